import { useQuery } from "@tanstack/react-query";
import { Building2, Plus, Wallet } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { quotas } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { matches } from "@/frame/filter";
import { useFormat } from "@/i18n/format";
import { LimitMeters } from "@/pages/settings/LimitMeters";
import { LimitPanel, type Limited } from "@/pages/settings/LimitPanel";
import { NewLimit } from "@/pages/settings/NewLimit";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import type { QuotaState } from "@/pages/settings/limits";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";

const MANY = 6;
const LIVE_MS = 5_000;

/** Who may spend how much: the workspace first, then whoever has limits of their own, those nearest to theirs first. */
export function Budgets() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({ ...quotas, refetchInterval: LIVE_MS });
  const [making, setMaking] = useState(false);
  const [open, setOpen] = useState<Limited | null>(null);
  const [typed, setTyped] = useState("");
  const workspace = data?.find(({ subject }) => subject === "workspace");
  const others = [...(data ?? [])].filter(({ subject }) => subject !== "workspace").sort((one, other) => partOf(other) - partOf(one));
  const shown = others.filter((one) => matches(`${one.name} ${t(`limits.subject.${one.subject}`)}`, typed));
  return (
    <Page>
      <SettingsHead tab="budgets" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && !data && <SkeletonRows label={t("common.loading")} />}
      {data && (
        <div className="flex flex-col gap-4">
          <Panel>
            <div className="flex flex-wrap items-center gap-x-4 gap-y-3">
              <Building2 size={20} className="shrink-0 text-muted" aria-hidden />
              <div className="min-w-0 grow basis-56">
                <h2 className="text-base font-semibold">{t("limits.subject.workspace")}</h2>
                {workspace ? <Renews quota={workspace} /> : <p className="text-sm text-muted">{t("limits.noWorkspace")}</p>}
              </div>
              {workspace && (
                <div className="grow basis-64">
                  <LimitMeters quota={workspace} />
                </div>
              )}
              <Button onClick={() => setOpen({ subject: "workspace", id: "", name: t("limits.subject.workspace") })}>
                {workspace ? t("limits.look") : t("limits.set")}
              </Button>
            </div>
          </Panel>
          <Panel
            title={t("limits.others")}
            hint={t("limits.othersText")}
            flush
            actions={
              <Button size="small" kind="primary" icon={Plus} onClick={() => setMaking(true)}>
                {t("limits.new")}
              </Button>
            }
          >
            {others.length > MANY && (
              <div className="border-b border-line p-3">
                <Input type="search" aria-label={t("limits.search")} placeholder={t("limits.search")} value={typed} onChange={(event) => setTyped(event.target.value)} />
              </div>
            )}
            {others.length === 0 ? (
              <EmptyState icon={Wallet} title={t("limits.nobody")} text={t("limits.nobodyText")} />
            ) : (
              <ul aria-label={t("limits.others")} className="grid sm:grid-cols-2">
                {shown.map((quota) => (
                  <li key={quota.id} className="-mt-px border-t border-line p-4 sm:odd:border-r">
                    <div className="mb-2.5 flex flex-wrap items-center gap-x-2 gap-y-1">
                      <div className="min-w-0 grow">
                        <p className="flex flex-wrap items-center gap-2">
                          <span className="font-medium break-all">{quota.name}</span>
                          <Badge>{t(`limits.subject.${quota.subject}`)}</Badge>
                        </p>
                        <Renews quota={quota} />
                      </div>
                      <Button
                        size="small"
                        aria-label={`${t("limits.look")}: ${quota.name}`}
                        onClick={() => setOpen({ subject: quota.subject, id: quota.subject_id, name: quota.name })}
                      >
                        {t("limits.look")}
                      </Button>
                    </div>
                    <LimitMeters quota={quota} />
                  </li>
                ))}
                {shown.length === 0 && <li className="px-4 py-6 text-center text-muted sm:col-span-2">{t("common.noMatch")}</li>}
              </ul>
            )}
          </Panel>
          <p className="text-sm text-muted">{t("limits.allHold")}</p>
        </div>
      )}
      <Dialog open={making} onClose={() => setMaking(false)} title={t("limits.new")} hint={t("limits.newText")} closeLabel={t("common.close")} wide>
        <NewLimit
          taken={data ?? []}
          onClose={() => setMaking(false)}
          onChosen={(one) => {
            setMaking(false);
            setOpen(one);
          }}
        />
      </Dialog>
      <LimitPanel of={open} onClose={() => setOpen(null)} />
    </Page>
  );
}

function Renews({ quota }: { quota: QuotaState }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (quota.budget_usd === null) return null;
  return <p className="text-sm text-muted">{t("limits.renews", { when: format.ago(quota.renews_at) })}</p>;
}

/** How much of what bounds it most is used. */
function partOf(quota: QuotaState): number {
  const part = (used: number, bound: number | null) => (bound === null ? 0 : bound > 0 ? used / bound : 1);
  return Math.max(
    part(quota.used_usd, quota.budget_usd),
    part(quota.used_requests, quota.requests_per_minute),
    part(quota.used_tokens, quota.tokens_per_minute),
  );
}
