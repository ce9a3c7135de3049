import { Save } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import { KeepUnsaved } from "@/frame/KeepUnsaved";
import { Button } from "@/ui/Button";

interface SaveBarProps {
  dirty: boolean;
  busy: boolean;
  /** Something stands in the way of saving. */
  blocked: boolean;
  onSave: () => void;
  onDiscard: () => void;
}

/** Stands at the foot of a form as long as it has changes, and asks before they are lost by leaving. */
export function SaveBar({ dirty, busy, blocked, onSave, onDiscard }: SaveBarProps) {
  const { t } = useTranslation();
  const can = dirty && !busy && !blocked;
  const save = useMemo(
    (): Action => ({
      id: "save",
      label: t("apps.save"),
      group: t("nav.apps"),
      icon: Save,
      shortcut: "mod+s",
      run: () => can && onSave(),
    }),
    [t, can, onSave],
  );
  useActions(useMemo(() => [save], [save]));
  return (
    <>
      {dirty && (
        <div
          role="region"
          aria-label={t("apps.unsaved")}
          className="popup sticky bottom-3 z-10 mt-4 flex flex-wrap items-center gap-2 py-2.5 pr-2.5 pl-4"
        >
          <p role="status" className="grow text-base font-medium">
            {t("apps.unsaved")}
          </p>
          <Button onClick={onDiscard} disabled={busy}>
            {t("apps.discard")}
          </Button>
          <Button kind="primary" icon={save.icon} onClick={onSave} busy={busy} disabled={blocked}>
            {save.label}
          </Button>
        </div>
      )}
      <KeepUnsaved dirty={dirty} />
    </>
  );
}
