import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ChevronRight, CircleAlert, CircleCheck, Plug, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { OrganState } from "@/api/client";
import { doctor } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { ManagedServers } from "@/pages/settings/ManagedServers";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { GROUPS, remoteLines } from "@/pages/settings/organGroups";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

export function Organs() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch, isFetching, dataUpdatedAt } = useQuery(doctor);
  const ill = data?.organs.filter(({ health }) => !health.ok) ?? [];
  const grouped = GROUPS.flatMap(({ ports }) => ports as readonly string[]);
  const groups = [
    ...GROUPS.map(({ id, ports }) => ({
      id,
      organs: data?.organs.filter(({ port }) => (ports as readonly string[]).includes(port)) ?? [],
    })),
    { id: "others" as const, organs: data?.organs.filter(({ port }) => !grouped.includes(port)) ?? [] },
  ];
  return (
    <Page>
      <SettingsHead tab="organs" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <div className="flex flex-col gap-4">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-2" role="status">
            {data && (
              <p className={cx("flex min-w-0 grow items-center gap-2 font-medium", ill.length ? "text-bad" : "text-good")}>
                {ill.length ? <CircleAlert size={18} aria-hidden /> : <CircleCheck size={18} aria-hidden />}
                {ill.length ? t("home.ill", { count: ill.length }) : t("home.well", { count: data.organs.length })}
                <span className="text-sm font-normal text-muted">
                  {t("home.version", { version: data.version })} · {format.ago(dataUpdatedAt)}
                </span>
              </p>
            )}
            {!data && <span className="grow text-muted">{t("settings.examining")}</span>}
            <Button icon={RotateCw} busy={isFetching} onClick={() => void refetch()}>
              {t("settings.examine")}
            </Button>
          </div>
          {!data && (
            <Panel flush>
              <SkeletonRows rows={9} label={t("common.loading")} />
            </Panel>
          )}
          {groups
            .filter(({ organs }) => organs.length > 0)
            .map(({ id, organs }) => (
              <Panel key={id} title={t(`settings.group.${id}`)} flush>
                <ul>
                  {[...organs]
                    .sort((one, other) => Number(one.health.ok) - Number(other.health.ok))
                    .map((organ) => (
                      <Organ key={organ.port} organ={organ} />
                    ))}
                </ul>
              </Panel>
            ))}
          <ManagedServers />
        </div>
      )}
    </Page>
  );
}

function Organ({ organ }: { organ: OrganState }) {
  const { t, i18n } = useTranslation();
  const { health, port } = organ;
  const name = i18n.exists(`organ.${port}`) ? t(`organ.${port}` as "organ.llm") : port;
  const kind = i18n.exists(`kind.${organ.kind}`) ? t(`kind.${organ.kind}` as "kind.embedded") : organ.kind;
  const lines = remoteLines(port, organ.kind);
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-3 last:border-b-0">
      {health.ok ? (
        <CircleCheck size={17} className="mt-0.5 shrink-0 text-good" aria-label={t("settings.well")} />
      ) : (
        <CircleAlert size={17} className="mt-0.5 shrink-0 text-bad" aria-label={t("settings.ill")} />
      )}
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium">{name}</span>
          <code className="font-mono text-sm text-muted">{organ.use}</code>
          <Badge>{kind}</Badge>
          <span className="ml-auto text-sm whitespace-nowrap text-muted tabular-nums">
            {t("settings.milliseconds", { count: Math.round(organ.milliseconds) })}
          </span>
        </p>
        {health.hint && (
          <p className={cx("mt-1.5 rounded-md px-3 py-2", health.ok ? "bg-info-soft" : "bg-bad-soft")}>
            <span className="font-medium">{t("settings.todo")}: </span>
            <span lang="en">{health.hint}</span>
          </p>
        )}
        <p className="mt-0.5 text-sm break-words text-muted" lang="en">
          {[health.version, health.detail].filter(Boolean).join(" · ")}
        </p>
        <p className="font-mono text-xs break-all text-faint">{health.where}</p>
        {port === "llm" && (
          <Link to="/settings/models" className="mt-1 inline-flex items-center gap-1.5 text-sm font-medium text-accent-ink hover:underline">
            <Plug size={14} aria-hidden />
            {t("settings.connectInstead")}
          </Link>
        )}
        {lines && (
          <details className="group mt-1">
            <summary className="inline-flex cursor-pointer list-none items-center gap-1 rounded-sm text-sm text-muted hover:text-ink">
              <ChevronRight size={14} className="transition-transform group-open:rotate-90" aria-hidden />
              {t("settings.move")}
            </summary>
            <p className="mt-1.5 mb-1.5 text-sm text-muted">{t("settings.moveText")}</p>
            <div className="flex items-start gap-2 rounded-md border border-line bg-sunken py-2 pr-2 pl-3">
              <pre tabIndex={0} className="scroll-quiet grow overflow-x-auto font-mono text-sm">
                {lines}
              </pre>
              <Copy text={lines} label={t("common.copy")} doneLabel={t("common.copied")} />
            </div>
          </details>
        )}
      </div>
    </li>
  );
}
