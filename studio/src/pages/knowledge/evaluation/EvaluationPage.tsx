import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { FileUp, ListChecks, RotateCw } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { newsOf } from "@/api/documents";
import { type ReadFile, evaluationsKey, evaluationsOf, isUnderWay, readQuestions } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { AskQuestions } from "@/pages/knowledge/evaluation/AskQuestions";
import { Run } from "@/pages/knowledge/evaluation/Run";
import { Runs } from "@/pages/knowledge/evaluation/Runs";
import { useProgress } from "@/pages/knowledge/useProgress";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/knowledge/$base/evaluation");
const EXAMPLE = "question,document,passage\nHow many days of leave are there?,rules.pdf,\n연차는 며칠인가요?,규정.hwp | 부칙.pdf,";

/** Which way of searching finds what it should: questions of one's own, asked in every way. */
export function EvaluationPage() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const { run } = route.useSearch();
  const go = route.useNavigate();
  const client = useQueryClient();
  const may = useMay()("editor");
  const news = useProgress(base);
  const { data, error, refetch } = useQuery({ ...evaluationsOf(base), enabled: may });
  const [read, setRead] = useState<{ name: string; file: ReadFile } | null>(null);
  const picker = useRef<HTMLInputElement>(null);
  const under = news?.evaluating;
  const { dataUpdatedAt: toldAt } = useQuery({ queryKey: newsOf(base), enabled: false });
  const isWaiting = data?.some(isUnderWay) ?? false;
  useEffect(() => {
    if (isWaiting) void client.invalidateQueries({ queryKey: evaluationsKey(base) });
  }, [client, base, toldAt, isWaiting]);
  const take = useMutation({
    mutationFn: async (file: File) => ({ name: file.name, file: await readQuestions(base, file) }),
    onSuccess: setRead,
  });
  const show = (id: string) => void go({ search: { run: id }, replace: true, resetScroll: false });
  const again = useMutation({
    mutationFn: (id: string) =>
      body(api.POST("/knowledge/{base}/evaluations", { params: { path: { base } }, body: { again: id } as never })),
    onSuccess: async (begun) => {
      await client.invalidateQueries({ queryKey: evaluationsKey(base) });
      show(begun.id);
    },
  });
  const chosen = data?.find(({ id }) => id === run) ?? data?.[0];
  const fault = error ?? take.error ?? again.error;
  const choose = (
    <Button kind="primary" icon={FileUp} busy={take.isPending} onClick={() => picker.current?.click()}>
      {t("evaluation.upload")}
    </Button>
  );
  return (
    <Page>
      <BaseHead id={base} />
      <input
        ref={picker}
        type="file"
        hidden
        aria-hidden
        accept=".csv,.tsv,.jsonl,.txt,text/csv"
        onChange={(event) => {
          const file = event.target.files?.[0];
          if (file) take.mutate(file);
          event.target.value = "";
        }}
      />
      {fault && <ErrorPanel error={fault} onRetry={error ? () => void refetch() : undefined} />}
      {!may && (
        <Panel flush>
          <EmptyState icon={ListChecks} title={t("evaluation.start")} text={t("evaluation.notYours")} />
        </Panel>
      )}
      {may && !data && !error && <SkeletonRows label={t("common.loading")} />}
      {data?.length === 0 && (
        <Panel flush>
          <EmptyState icon={ListChecks} title={t("evaluation.start")} text={t("evaluation.startText")}>
            {choose}
          </EmptyState>
          <pre className="scroll-quiet mx-auto mb-8 max-w-xl overflow-x-auto rounded-md bg-sunken px-4 py-3 font-mono text-sm" tabIndex={0}>
            {EXAMPLE}
          </pre>
        </Panel>
      )}
      {data && chosen && (
        <div className="flex flex-col gap-4">
          <div className="flex flex-wrap gap-2">
            {choose}
            <Button icon={RotateCw} busy={again.isPending} onClick={() => again.mutate(chosen.id)}>
              {t("evaluation.again")}
            </Button>
          </div>
          <Run base={base} run={chosen} live={under?.id === chosen.id ? under : null} />
          <Runs base={base} runs={data} chosen={chosen.id} onChoose={show} />
        </div>
      )}
      <AskQuestions
        base={base}
        read={read}
        onClose={() => setRead(null)}
        onBegun={(id) => {
          setRead(null);
          show(id);
        }}
      />
    </Page>
  );
}
