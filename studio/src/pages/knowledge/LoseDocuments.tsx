import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { type Document, api, body } from "@/api/client";
import type { DocumentFilter } from "@/api/documents";
import type { components } from "@/api/schema";
import { ConfirmChange } from "@/frame/ConfirmChange";
import type { Selection } from "@/pages/knowledge/selection";
import { toast } from "@/ui/Toasts";

/** What is to be deleted: one document by its name, or a selection. */
export type Losing = { readonly one: Document } | { readonly chosen: Selection; readonly count: number };

interface LoseDocumentsProps {
  base: string;
  filter: DocumentFilter;
  losing: Losing | null;
  onClose: () => void;
  onLost: () => void;
}

export function LoseDocuments({ base, filter, losing, onClose, onLost }: LoseDocumentsProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (what: Losing) =>
      body(
        api.POST("/knowledge/{base}/remove", {
          params: { path: { base } },
          body: "one" in what ? { ids: [what.one.id], search: "" } : choiceOf(what.chosen, filter),
        }),
      ),
    onSuccess: async ({ count }, what) => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      toast("one" in what ? t("knowledge.deleted", { name: what.one.name }) : t("select.deleted", { count }));
      onLost();
      onClose();
    },
  });
  const title = !losing
    ? ""
    : "one" in losing
      ? t("knowledge.delete", { name: losing.one.name })
      : t("select.deleteTitle", { count: losing.count });
  return (
    <ConfirmChange
      open={losing !== null}
      onClose={onClose}
      onConfirm={() => losing && lose.mutate(losing)}
      change={lose}
      title={title}
      text={t("knowledge.deleteDocumentText")}
      confirmLabel={t("common.delete")}
    />
  );
}

/** The selection as the server takes it. */
export const choiceOf = (chosen: Selection, filter: DocumentFilter): components["schemas"]["Chosen"] =>
  chosen.all ? { state: filter.state, display: filter.display, search: filter.search ?? "" } : { ids: [...chosen.ids], search: "" };
