import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Square } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import type { News } from "@/api/documents";
import { type Evaluation, type Measured, evaluationOf, evaluationsKey, isUnderWay } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { HardQuestions } from "@/pages/knowledge/evaluation/HardQuestions";
import { Settings } from "@/pages/knowledge/evaluation/Settings";
import { TakeSetting } from "@/pages/knowledge/evaluation/TakeSetting";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { Progress } from "@/ui/Progress";
import { SkeletonRows } from "@/ui/States";

interface RunProps {
  base: string;
  run: Evaluation;
  /** How far it is, where it is being asked now. */
  live: NonNullable<News["evaluating"]> | null;
}

/** One run: how far it is, what was measured, and its questions, the hardest first. */
export function Run({ base, run, live }: RunProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery({
    ...evaluationOf(base, run),
    placeholderData: (before) => (before?.evaluation.id === run.id ? before : undefined),
  });
  const [taking, setTaking] = useState<Measured | null>(null);
  const stop = useMutation({
    mutationFn: () =>
      body(
        api.POST("/knowledge/{base}/evaluations/{evaluation}/stop", { params: { path: { base, evaluation: run.id } } }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: evaluationsKey(base) }),
  });
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  const { evaluation } = data;
  const done = Math.max(evaluation.done, live?.done ?? 0);
  const about = evaluation.about as { embedding_model?: string; documents?: number; passages?: number };
  return (
    <>
      <Panel title={evaluation.name || t("evaluation.title")}>
        <p className="text-sm text-muted">
          {format.date(evaluation.created_at)} · {t("evaluation.count", { count: evaluation.total })}
          {evaluation.left_out > 0 && ` · ${t("evaluation.leftOut", { count: evaluation.left_out })}`}
          {` · ${t("evaluation.about", { documents: about.documents ?? 0, passages: about.passages ?? 0, model: about.embedding_model ?? "" })}`}
        </p>
        {isUnderWay(evaluation) && (
          <div className="mt-4 flex items-center gap-3">
            <Progress part={done ? done / evaluation.total : null} label={t("evaluation.asking")} className="grow" />
            <span className="text-sm text-muted tabular-nums">
              {format.number(done)} / {format.number(evaluation.total)}
            </span>
            <Button icon={Square} busy={stop.isPending} onClick={() => stop.mutate()}>
              {t("evaluation.stop")}
            </Button>
          </div>
        )}
        {evaluation.state === "stopped" && <p className="mt-3 text-warn">{t("evaluation.stopped", { count: done })}</p>}
        {evaluation.state === "failed" && (
          <div role="alert" className="mt-3 rounded-md bg-bad-soft px-4 py-3">
            <p className="font-medium text-bad">{evaluation.error_message}</p>
            <p className="text-sm">{evaluation.error_hint}</p>
            <code className="text-xs text-muted">{evaluation.error_code}</code>
          </div>
        )}
        {evaluation.settings.length > 0 && <Settings shown={data} onTake={setTaking} />}
      </Panel>
      {!isUnderWay(evaluation) && done > 0 && <HardQuestions base={base} evaluation={evaluation} />}
      <TakeSetting
        base={base}
        now={data.now}
        next={taking ? (data.would_be[taking.name] ?? null) : null}
        name={taking?.name ?? ""}
        onClose={() => setTaking(null)}
      />
    </>
  );
}
