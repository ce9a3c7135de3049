import { useQuery } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, RotateCw, Server } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Doctor, OrganState } from "@/api/client";
import { doctor } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { modelLines } from "@/pages/settings/modelLines";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";

export function Organs() {
  const { t } = useTranslation();
  const { data, error, refetch, isFetching } = useQuery(doctor);
  return (
    <Page>
      <SettingsHead tab="organs" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <div className="flex flex-col gap-4">
          {data && data.found.length > 0 && <ModelServers found={data.found} />}
          <Panel
            title={t("settings.organs")}
            hint={data && t("home.version", { version: data.version })}
            flush
            actions={
              <Button size="small" icon={RotateCw} busy={isFetching} onClick={() => void refetch()}>
                {t("settings.examine")}
              </Button>
            }
          >
            {!data && <SkeletonRows rows={9} label={t("common.loading")} />}
            <ul>
              {[...(data?.organs ?? [])]
                .sort((one, other) => Number(one.health.ok) - Number(other.health.ok))
                .map((organ) => (
                  <Organ key={organ.port} organ={organ} />
                ))}
            </ul>
          </Panel>
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
        </p>
        {health.hint && <p className="mt-1 rounded-md bg-bad-soft px-3 py-2 text-bad">{health.hint}</p>}
        <p className="mt-0.5 text-sm break-words text-muted">
          {[health.version, health.detail].filter(Boolean).join(" · ")}
        </p>
        <p className="font-mono text-xs break-all text-faint">{health.where}</p>
      </div>
      <span className="hidden shrink-0 text-sm text-faint tabular-nums sm:inline">
        {t("settings.milliseconds", { count: Math.round(organ.milliseconds) })}
      </span>
    </li>
  );
}

/** Model servers that answer on this machine, each with the lines that connect it. */
function ModelServers({ found }: { found: Doctor["found"] }) {
  const { t } = useTranslation();
  return (
    <Panel title={t("settings.found")} hint={t("settings.foundText")}>
      <ul className="flex flex-col gap-3">
        {found.map((server, index) => {
          const lines = modelLines(server);
          return (
            <li key={index}>
              <p className="mb-1.5 flex items-center gap-2 font-medium">
                <Server size={15} className="text-accent-ink" aria-hidden />
                {String(server.kind)}
                <code className="font-mono text-sm font-normal break-all text-muted">{String(server.url)}</code>
              </p>
              <div className="flex items-start gap-2 rounded-md border border-line bg-sunken py-2 pr-2 pl-3">
                <pre className="scroll-quiet grow overflow-x-auto font-mono text-sm">{lines}</pre>
                <Copy text={lines} label={t("common.copy")} doneLabel={t("common.copied")} />
              </div>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}
