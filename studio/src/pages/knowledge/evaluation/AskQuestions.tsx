import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type ReadFile, evaluationsKey } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";

const SHOWN = 100;

interface AskQuestionsProps {
  base: string;
  read: { readonly name: string; readonly file: ReadFile } | null;
  onClose: () => void;
  onBegun: (id: string) => void;
}

/** What a file of questions has, what is wrong with its lines, and whether to ask the rest. */
export function AskQuestions({ base, read, onClose, onBegun }: AskQuestionsProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const ask = useMutation({
    mutationFn: ({ name, file }: NonNullable<typeof read>) =>
      body(
        api.POST("/knowledge/{base}/evaluations", {
          params: { path: { base } },
          body: { name, questions: file.questions, again: "", leave_out: true },
        }),
      ),
    onSuccess: async (begun) => {
      await client.invalidateQueries({ queryKey: evaluationsKey(base) });
      onBegun(begun.id);
    },
  });
  const close = () => {
    ask.reset();
    onClose();
  };
  const problems = read?.file.problems ?? [];
  const count = read?.file.questions.length ?? 0;
  return (
    <Dialog open={read !== null} onClose={close} title={read?.name ?? ""} closeLabel={t("common.close")} wide>
      {ask.error && <ErrorPanel error={ask.error} />}
      <p className="text-base">{t("evaluation.canAsk", { count })}</p>
      {problems.length > 0 && (
        <>
          <p className="mt-3 text-base text-warn">{t("evaluation.problems", { count: problems.length })}</p>
          <ul className="scroll-quiet mt-2 max-h-64 overflow-y-auto rounded-md border border-line" tabIndex={0}>
            {problems.slice(0, SHOWN).map(({ line, fault, what }) => (
              <li key={`${line}/${fault}/${what}`} className="flex gap-3 border-b border-line px-3 py-2 text-sm last:border-b-0">
                <span className="w-16 shrink-0 text-muted tabular-nums">{t("evaluation.line", { line })}</span>
                <span className="min-w-0 break-words">{t(`evaluation.fault.${fault}`, { what })}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <DialogActions>
        <Button onClick={close}>{t("common.cancel")}</Button>
        <Button kind="primary" disabled={count === 0} busy={ask.isPending} onClick={() => read && ask.mutate(read)}>
          {problems.length > 0 ? t("evaluation.askRest", { count }) : t("evaluation.ask", { count })}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
