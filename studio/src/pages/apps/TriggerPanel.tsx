import { useQuery } from "@tanstack/react-query";
import { type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { App, Trigger } from "@/api/client";
import { deliveriesOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { useTrigger } from "@/pages/apps/useTrigger";
import { Badge, type Tone } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";

interface TriggerPanelProps {
  app: App;
  trigger: Trigger;
  icon: LucideIcon;
  hint: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

/** What stands around a webhook and a schedule alike: its switch, what is wrong with it, what came of it last. */
export function TriggerPanel({ app, trigger, icon: Icon, hint, actions, children }: TriggerPanelProps) {
  const { t } = useTranslation();
  const { change } = useTrigger(app, trigger);
  return (
    <Panel
      title={
        <span className="flex min-w-0 items-center gap-2">
          <Icon size={16} aria-hidden className="shrink-0 text-muted" />
          <span className="truncate">{trigger.title || t(`triggers.kind.${trigger.kind}`)}</span>
          {!trigger.problem && (
            <Badge tone={trigger.is_on ? "good" : "plain"}>{trigger.is_on ? t("triggers.on") : t("triggers.off")}</Badge>
          )}
        </span>
      }
      hint={hint}
      actions={
        <div className="flex flex-wrap gap-2">
          {actions}
          <Button size="small" busy={change.isPending} onClick={() => change.mutate({ is_on: !trigger.is_on })}>
            {trigger.is_on ? t("triggers.turnOff") : t("triggers.turnOn")}
          </Button>
        </div>
      }
    >
      {change.error && (
        <div className="mb-4">
          <ErrorPanel error={change.error} />
        </div>
      )}
      {trigger.problem && (
        <p role="alert" className="mb-4 flex gap-2 rounded-md bg-bad-soft px-3 py-2 text-sm text-bad">
          <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />
          <span className="min-w-0 break-words">
            {t("triggers.problem")} {trigger.problem}
          </span>
        </p>
      )}
      {children}
      <Deliveries app={app} trigger={trigger} />
    </Panel>
  );
}

const SHOWN = 8;
const TONES: Record<string, Tone> = {
  succeeded: "good",
  "partial-succeeded": "warn",
  failed: "bad",
  paused: "info",
  running: "info",
};
const STATUSES = ["running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"] as const;

function Deliveries({ app, trigger }: { app: App; trigger: Trigger }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(deliveriesOf(app.id, trigger.id, trigger.last?.id ?? ""));
  return (
    <section className="mt-5 border-t border-line pt-4" aria-label={t(`triggers.last.${trigger.kind}`)}>
      <h3 className="text-sm font-medium">{t(`triggers.last.${trigger.kind}`)}</h3>
      {error && !data && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && !data && <p className="mt-1 text-sm text-muted">{t("common.loading")}</p>}
      {data?.length === 0 && <p className="mt-1 text-sm text-muted">{t(`triggers.never.${trigger.kind}`)}</p>}
      <ul className="mt-1.5 flex flex-col">
        {data?.slice(0, SHOWN).map(({ id, status, error_code, run_status, created_at }) => {
          const known = STATUSES.find((one) => one === run_status);
          const words = error_code && i18n.exists(`errors.${error_code}.message`) ? t(`errors.${error_code}.message` as "errors.internal_error.message") : error_code;
          return (
            <li key={id} className="flex flex-wrap items-center gap-x-3 gap-y-1 py-1 text-sm">
              {trigger.kind === "webhook" && (
                <code className={`w-8 font-mono ${error_code ? "text-bad" : "text-muted"}`}>{status}</code>
              )}
              {known && <Badge tone={TONES[known] ?? "plain"}>{t(`triggers.run.${known}`)}</Badge>}
              {error_code && <span className="min-w-0 grow basis-40 text-bad">{words}</span>}
              {!known && !error_code && <span className="text-muted">{t("triggers.run.gone")}</span>}
              <time className="ml-auto text-muted" dateTime={new Date(created_at).toISOString()} title={format.date(created_at)}>
                {format.ago(created_at)}
              </time>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
