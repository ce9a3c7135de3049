import { Eye, EyeOff, Merge, Trash2, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Passage } from "@/api/client";
import { Button, IconButton } from "@/ui/Button";

interface ChosenPassagesProps {
  chosen: readonly Passage[];
  busy: boolean;
  onMerge: () => void;
  onSwitch: (enabled: boolean) => void;
  onDelete: () => void;
  onClear: () => void;
}

/** What can be done with several passages at once. */
export function ChosenPassages({ chosen, busy, onMerge, onSwitch, onDelete, onClear }: ChosenPassagesProps) {
  const { t } = useTranslation();
  const places = chosen.map(({ ordinal }) => ordinal).sort((one, other) => one - other);
  const areNeighbours = places.every((place, index) => index === 0 || place === (places[index - 1] ?? 0) + 1);
  return (
    <div role="toolbar" aria-label={t("passages.chosen")} className="flex grow flex-wrap items-center gap-2">
      <IconButton icon={X} size="small" label={t("select.clear")} onClick={onClear} />
      <p className="grow text-base font-medium tabular-nums" aria-live="polite">
        {t("select.count", { count: chosen.length })}
      </p>
      {chosen.length > 1 && (
        <Button size="small" icon={Merge} busy={busy} disabled={!areNeighbours} title={areNeighbours ? undefined : t("passages.apart")} onClick={onMerge}>
          {t("passages.merge")}
        </Button>
      )}
      {chosen.some(({ enabled }) => enabled) && (
        <Button size="small" icon={EyeOff} busy={busy} onClick={() => onSwitch(false)}>
          {t("passages.switchOff")}
        </Button>
      )}
      {chosen.some(({ enabled }) => !enabled) && (
        <Button size="small" icon={Eye} busy={busy} onClick={() => onSwitch(true)}>
          {t("passages.switchOn")}
        </Button>
      )}
      <Button size="small" kind="danger" icon={Trash2} busy={busy} onClick={onDelete}>
        {t("common.delete")}
      </Button>
    </div>
  );
}
