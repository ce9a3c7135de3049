import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { Activity } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { App, StoredRun } from "@/api/client";
import { runsOf } from "@/api/queries";
import { RUN_STATES } from "@/api/runs";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Pager } from "@/frame/Pager";
import { useFormat } from "@/i18n/format";
import { AppPage } from "@/pages/apps/AppPage";
import { RunState } from "@/pages/apps/runs/RunState";
import { askedOf, sourceOf, took } from "@/pages/apps/runs/words";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

const route = getRouteApi("/inside/apps/$app/runs");

export function Runs() {
  const { app: named } = route.useParams();
  return (
    <AppPage named={named} tab="runs">
      {(app) => <List app={app} named={named} />}
    </AppPage>
  );
}

/** What the app was asked to do, the newest first. */
function List({ app, named }: { app: App; named: string }) {
  const { t } = useTranslation();
  const { state, page = 1 } = route.useSearch();
  const go = route.useNavigate();
  const { data, error, refetch } = useQuery(runsOf(app.id, state, page));
  const columns = useColumns(named);
  const choices = [{ value: "all" as const, label: t("runs.all") }, ...RUN_STATES.map((value) => ({ value, label: t(`runs.state.${value}`) }))];
  if (error && !data) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  return (
    <Panel
      flush
      title={t("runs.title")}
      hint={t("runs.text")}
      actions={
        <Select
          label={t("runs.which")}
          value={state ?? "all"}
          choices={choices}
          onChange={(next) => void go({ search: { state: next === "all" ? undefined : next } })}
        />
      }
    >
      {!data && <SkeletonRows label={t("common.loading")} />}
      {data && (
        <Table
          label={t("runs.title")}
          columns={columns}
          rows={data.runs}
          rowKey={({ id }) => id}
          empty={<EmptyState icon={Activity} title={t(state ? "runs.noneSuch" : "runs.none")} text={t("runs.noneText")} />}
        />
      )}
      <Pager page={page} of={data} onPage={(next) => void go({ search: (now) => ({ ...now, page: next }) })} />
    </Panel>
  );
}

function useColumns(named: string): Column<StoredRun>[] {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const quiet = (text: string) => <span className="whitespace-nowrap text-muted">{text}</span>;
  return [
    {
      id: "asked",
      title: t("runs.asked"),
      className: "w-full max-w-0",
      cell: (run) => (
        <>
          <Link
            to="/apps/$app/runs/$run"
            params={{ app: named, run: run.id }}
            className="block truncate font-medium hover:underline"
          >
            {askedOf(run) || t("runs.nothingAsked")}
          </Link>
          <p className="truncate text-sm text-muted">
            {format.ago(run.created_at)} · {sourceOf(run, t)}
          </p>
        </>
      ),
    },
    { id: "state", title: t("runs.stateOf"), cell: (run) => <RunState state={run.status} /> },
    { id: "took", title: t("runs.took"), align: "right", wideOnly: true, cell: (run) => quiet(took(run.elapsed_ms, i18n.language)) },
    { id: "tokens", title: t("runs.tokens"), align: "right", wideOnly: true, cell: (run) => quiet(format.number(run.total_tokens)) },
    { id: "steps", title: t("runs.steps"), align: "right", wideOnly: true, cell: (run) => quiet(format.number(run.total_steps)) },
  ];
}
