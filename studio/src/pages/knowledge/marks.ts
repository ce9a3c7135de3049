/** Takes documents out of the search or the archive, or brings them there. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { asApiError } from "@/api/errors";
import type { choiceOf } from "@/pages/knowledge/LoseDocuments";
import { toast } from "@/ui/Toasts";

export type Mark = "on" | "off" | "archive" | "back";
const MARKS = { on: { enabled: true }, off: { enabled: false }, archive: { archived: true }, back: { archived: false } } as const;
const UNDO = { on: "off", off: "on", archive: "back", back: "archive" } as const satisfies Record<Mark, Mark>;

export function useMark(base: string) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const mark = useMutation({
    mutationFn: ({ choice, as }: { choice: ReturnType<typeof choiceOf>; as: Mark }) =>
      body(api.POST("/knowledge/{base}/mark", { params: { path: { base } }, body: { ...choice, ...MARKS[as] } })),
    onSuccess: async ({ count }, { choice, as }) => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      await client.invalidateQueries({ queryKey: ["documents"] });
      // of a filter, other documents may be meant by then
      const undo = choice.ids && count === choice.ids.length ? { label: t("common.undo"), run: () => mark.mutate({ choice, as: UNDO[as] }) } : undefined;
      toast(t(`marks.did.${as}`, { count }), undo && { undo });
    },
    onError: (error) => {
      const { message, hint } = asApiError(error);
      toast(message, { text: hint, bad: true });
    },
  });
  return mark;
}
