import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Archive, ArchiveRestore, EllipsisVertical, Eye, EyeOff, type LucideIcon, RotateCw, Trash2, Users, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { asApiError } from "@/api/errors";
import type { DocumentFilter } from "@/api/documents";
import { OpenDocuments, type Opening } from "@/pages/knowledge/access/OpenDocuments";
import { choiceOf } from "@/pages/knowledge/LoseDocuments";
import { type Mark, useMark } from "@/pages/knowledge/marks";
import type { Selection } from "@/pages/knowledge/selection";
import { Button, IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { toast } from "@/ui/Toasts";

interface ChosenProps {
  base: string;
  filter: DocumentFilter;
  selection: Selection;
  count: number;
  onDelete: () => void;
  onClear: () => void;
}

/** What can be done with the chosen documents, in place of the list's tools. */
export function Chosen({ base, filter, selection, count, onDelete, onClear }: ChosenProps) {
  const { t } = useTranslation();
  const retry = useRetryMany(base);
  const mark = useMark(base);
  const [opening, setOpening] = useState<Opening | null>(null);
  const item = (as: Mark, icon: LucideIcon) => ({
    id: as,
    label: t(`marks.${as}`),
    icon,
    run: () => mark.mutate({ choice: choiceOf(selection, filter), as }, { onSuccess: onClear }),
  });
  return (
    <div role="toolbar" aria-label={t("select.tools")} className="flex grow flex-wrap items-center gap-2">
      <IconButton icon={X} label={t("select.clear")} onClick={onClear} />
      <p className="grow font-medium tabular-nums" aria-live="polite">
        {t("select.count", { count })}
      </p>
      <Button icon={RotateCw} busy={retry.isPending} onClick={() => retry.mutate(choiceOf(selection, filter), { onSuccess: onClear })}>
        {t("select.retry")}
      </Button>
      <Menu
        trigger={<IconButton icon={EllipsisVertical} label={t("knowledge.more")} />}
        groups={[
          { items: [{ id: "open", label: t("access.openMany"), icon: Users, run: () => setOpening({ choice: choiceOf(selection, filter), count }) }] },
          { items: [item("off", EyeOff), item("on", Eye)] },
          { items: [item("archive", Archive), item("back", ArchiveRestore)] },
        ]}
      />
      <Button kind="danger" icon={Trash2} onClick={onDelete}>
        {t("common.delete")}
      </Button>
      <OpenDocuments base={base} opening={opening} onClose={() => setOpening(null)} onOpened={onClear} />
    </div>
  );
}

export function useRetryMany(base: string) {
  const { t } = useTranslation();
  const client = useQueryClient();
  return useMutation({
    mutationFn: (choice: ReturnType<typeof choiceOf>) =>
      body(api.POST("/knowledge/{base}/retry", { params: { path: { base } }, body: choice })),
    onSuccess: async ({ count }) => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      toast(t("select.retried", { count }));
    },
    onError: (error) => {
      const { message, hint } = asApiError(error);
      toast(message, { text: hint, bad: true });
    },
  });
}
