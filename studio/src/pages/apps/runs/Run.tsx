import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { ArrowLeft, Play, RotateCw, Square } from "lucide-react";
import { useTranslation } from "react-i18next";

import { type App, type RunDetail, api } from "@/api/client";
import { runOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { AppPage } from "@/pages/apps/AppPage";
import { NodeRow, Values } from "@/pages/apps/runs/NodeRow";
import { RunState } from "@/pages/apps/runs/RunState";
import { askedOf, sourceOf, took } from "@/pages/apps/runs/words";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/apps/$app/runs/$run");

export function Run() {
  const { app: named, run } = route.useParams();
  const { t } = useTranslation();
  return (
    <AppPage named={named} tab="runs">
      {(app) => (
        <div className="flex flex-col gap-4">
          <Link to="/apps/$app/runs" params={{ app: named }} className="inline-flex items-center gap-1.5 self-start text-muted hover:text-ink">
            <ArrowLeft size={14} aria-hidden />
            {t("runs.toAll")}
          </Link>
          <Detail app={app} id={run} />
        </div>
      )}
    </AppPage>
  );
}

/** One run: what it was asked, how it ended, what each of its nodes was given and made. */
function Detail({ app, id }: { app: App; id: string }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(runOf(app.id, id));
  if (error && !data) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  const { run, nodes } = data;
  const facts: readonly (readonly [string, string])[] = [
    [t("runs.when"), format.date(run.created_at)],
    [t("runs.from"), sourceOf(run, t)],
    [t("runs.took"), took(run.elapsed_ms, i18n.language)],
    [t("runs.tokens"), format.number(run.total_tokens)],
    [t("runs.steps"), format.number(run.total_steps)],
  ];
  return (
    <>
      <Panel
        title={
          <span className="flex flex-wrap items-center gap-2">
            <span className="min-w-0 break-words">{askedOf(run) || t("runs.nothingAsked")}</span>
            <RunState state={run.status} />
          </span>
        }
        actions={<Actions app={app} detail={data} />}
      >
        <dl className="flex flex-wrap gap-x-8 gap-y-3">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt className="text-sm text-muted">{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {run.error && (
          <p role="alert" className="mt-4 rounded-md bg-bad-soft px-3 py-2 break-words text-bad">
            {run.error}
          </p>
        )}
      </Panel>
      {data.waiting.map((node) => (
        <Waiting key={`${node.node_id} ${node.at.join(" ")}`} app={app} run={id} node={node} />
      ))}
      <Panel title={t("runs.nodes")} hint={t("runs.nodesText")} flush>
        <ol>
          {nodes.map((node) => (
            <NodeRow key={node.id} node={node} />
          ))}
        </ol>
      </Panel>
      <Panel title={t("runs.inOut")}>
        <div className="flex flex-col gap-4">
          <Values label={t("runs.inputs")} values={run.inputs} />
          <Values label={t("runs.outputs")} values={run.outputs} />
        </div>
      </Panel>
    </>
  );
}

function useChange(app: App, run: string, change: () => Promise<unknown>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ["run", app.id, run] }),
        client.invalidateQueries({ queryKey: ["runs", app.id] }),
      ]),
  });
}

function Actions({ app, detail: { run } }: { app: App; detail: RunDetail }) {
  const { t } = useTranslation();
  const params = { path: { app: app.id, run_id: run.id } };
  const stopping = useChange(app, run.id, () => api.POST("/apps/{app}/runs/{run_id}/stop", { params }));
  const resuming = useChange(app, run.id, () => api.POST("/apps/{app}/runs/{run_id}/resume", { params }));
  const fault = stopping.error ?? resuming.error;
  return (
    <>
      {(run.status === "running" || run.status === "paused") && (
        <Button icon={Square} busy={stopping.isPending} onClick={() => stopping.mutate()}>
          {t("runs.stop")}
        </Button>
      )}
      {(run.status === "failed" || run.status === "stopped") && (
        <Button icon={Play} busy={resuming.isPending} onClick={() => resuming.mutate()}>
          {t("runs.resume")}
        </Button>
      )}
      {fault && (
        <div className="basis-full">
          <ErrorPanel error={fault} />
        </div>
      )}
    </>
  );
}

/** A node that waits: for its form, or for a word whether it may run again. */
function Waiting({ app, run, node }: { app: App; run: string; node: RunDetail["waiting"][number] }) {
  const { t } = useTranslation();
  const answer = (action: "repeat" | "fail") => () =>
    api.POST("/apps/{app}/runs/{run_id}/answer", {
      params: { path: { app: app.id, run_id: run } },
      body: { node_id: node.node_id, at: [...node.at], action, values: {}, handle: "source" },
    });
  const repeating = useChange(app, run, answer("repeat"));
  const ending = useChange(app, run, answer("fail"));
  const form = typeof node.form.form_id === "string" ? node.form.form_id : "";
  const fault = repeating.error ?? ending.error;
  return (
    <Panel title={node.title || node.node_id} className="border-accent">
      <p className="mb-3">{t(node.asks === "repeat" ? "runs.mayRepeat" : "runs.waitsForForm")}</p>
      <div className="flex flex-wrap items-center gap-2">
        {node.asks === "repeat" && (
          <>
            <Button kind="primary" icon={RotateCw} busy={repeating.isPending} onClick={() => repeating.mutate()}>
              {t("runs.repeat")}
            </Button>
            <Button busy={ending.isPending} onClick={() => ending.mutate()}>
              {t("runs.end")}
            </Button>
          </>
        )}
        {form && (
          <Link to="/inbox/$form" params={{ form }} className="text-accent-ink underline underline-offset-2">
            {t("runs.toForm")}
          </Link>
        )}
      </div>
      {fault && <ErrorPanel error={fault} />}
    </Panel>
  );
}
