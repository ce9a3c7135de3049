import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Activity } from "lucide-react";
import { useTranslation } from "react-i18next";

import { deploymentsOf, spentBy } from "@/api/queries";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { StateDot, useStateText } from "@/pages/models/DeploymentHealth";
import type { DeploymentState } from "@/pages/models/route";
import { ROOM, keyOf, useLately } from "@/pages/models/useLately";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";
import { Trend } from "@/ui/chart/Trend";

/** Every deployment that is known: whether it is asked now, how busy and how fast it is, and what failed today. */
export function Deployments() {
  const { t } = useTranslation();
  const format = useFormat();
  const text = useStateText();
  const may = useMay();
  const today = new Date().toISOString().slice(0, 10);
  const { data, dataUpdatedAt } = useQuery(deploymentsOf());
  const { data: spent } = useQuery({ ...spentBy(["deployment", "model"], today, today), enabled: may("admin"), refetchInterval: 30_000 });
  const lately = useLately(data, dataUpdatedAt);
  const todayOf = (one: DeploymentState) => spent?.rows.find(({ by }) => by.deployment === one.server && by.model === one.model);
  const columns: Column<DeploymentState>[] = [
    {
      id: "name",
      title: t("routes.deployment"),
      className: "w-full min-w-44",
      cell: (one) => (
        <>
          <p className="break-all">
            <span className="font-medium">{one.server}</span> <span className="text-muted">{one.model}</span>
          </p>
          <p className="flex items-center gap-1.5 text-sm text-muted">
            <StateDot state={one} />
            {text(one)}
          </p>
        </>
      ),
    },
    {
      id: "latency",
      title: t("routes.latency"),
      wideOnly: true,
      cell: (one) => <Trend label={`${t("routes.latency")}: ${one.latency_ms ? t("settings.milliseconds", { count: one.latency_ms }) : t("routes.unknown")}`} values={lately(one).latency} room={ROOM} />,
    },
    {
      id: "busy",
      title: t("routes.busy"),
      wideOnly: true,
      cell: (one) => <Trend label={`${t("routes.busy")}: ${one.in_flight}`} values={lately(one).busy} room={ROOM} />,
    },
    ...(may("admin")
      ? ([
          { id: "today", title: t("routes.today"), align: "right", cell: (one) => <span className="tabular-nums">{format.number(todayOf(one)?.requests ?? 0)}</span> },
          {
            id: "failed",
            title: t("routes.failed"),
            align: "right",
            cell: (one) => {
              const failures = todayOf(one)?.failures ?? 0;
              return <span className={failures ? "font-medium text-bad tabular-nums" : "text-muted tabular-nums"}>{format.number(failures)}</span>;
            },
          },
        ] satisfies Column<DeploymentState>[])
      : []),
  ];
  return (
    <Panel
      title={t("routes.deployments")}
      hint={t("routes.deploymentsText")}
      flush
      actions={
        may("admin") && (
          <Link to="/settings/models" className="text-sm text-accent-ink underline underline-offset-2">
            {t("routes.toServers")}
          </Link>
        )
      }
    >
      {!data && <SkeletonRows rows={3} label={t("common.loading")} />}
      {data && (
        <Table
          label={t("routes.deployments")}
          columns={columns}
          rows={data}
          rowKey={keyOf}
          empty={<EmptyState icon={Activity} title={t("routes.noDeployments")} text={t("routes.noDeploymentsText")} />}
        />
      )}
    </Panel>
  );
}
