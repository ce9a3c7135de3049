import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { quotas, spentBy } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { LimitFields } from "@/pages/settings/LimitFields";
import { LimitMeters } from "@/pages/settings/LimitMeters";
import { type QuotaState, type Subject, EMPTY, boundsOf, draftOf, monthOf, spentSeries } from "@/pages/settings/limits";
import { dayOf, daysOf, spanOf } from "@/pages/settings/spend";
import { useChartWords } from "@/pages/settings/useChartWords";
import { Button } from "@/ui/Button";
import { SidePanel } from "@/ui/Dialog";
import { toast } from "@/ui/Toasts";
import { Bars } from "@/ui/chart/Bars";

/** Whom limits are for. */
export interface Limited {
  readonly subject: Subject;
  readonly id: string;
  readonly name: string;
}

/** What somebody used, and what they may use: looked at and changed. */
export function LimitPanel({ of, onClose }: { of: Limited | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <SidePanel
      open={of !== null}
      onClose={onClose}
      title={of?.name ?? ""}
      hint={of && t(`limits.subject.${of.subject}`)}
      closeLabel={t("common.close")}
      wide
    >
      {of && <Content key={`${of.subject} ${of.id}`} of={of} onClose={onClose} />}
    </SidePanel>
  );
}

function Content({ of, onClose }: { of: Limited; onClose: () => void }) {
  const { t } = useTranslation();
  const { data } = useQuery(quotas);
  const quota = data?.find(({ subject, subject_id }) => subject === of.subject && subject_id === of.id);
  return (
    <div className="flex flex-col gap-6">
      {quota && <LimitMeters quota={quota} />}
      {of.subject !== "group" && <Spent of={of} quota={quota} />}
      <section>
        <h3 className="mb-3 text-base font-semibold">{quota ? t("limits.change") : t("limits.set")}</h3>
        {data && <Form of={of} quota={quota} onClose={onClose} />}
      </section>
    </div>
  );
}

function Spent({ of, quota }: { of: Limited; quota: QuotaState | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const chart = useChartWords();
  const budget = quota?.budget_usd ?? null;
  const period = budget === null ? "day" : (quota?.period ?? "day");
  const now = Date.now();
  const span = spanOf(period === "month" ? "month" : "days30", now);
  const days = period === "month" ? monthOf(span.until) : daysOf(span);
  const by = of.subject === "workspace" || of.subject === "group" ? null : of.subject;
  const { data } = useQuery(spentBy(by ? ["day", by] : ["day"], span.since, span.until));
  const series = useMemo(() => {
    const spent = new Map<string, number>();
    for (const row of data?.rows ?? []) {
      if (!by || row.by[by] === of.id) spent.set(dayOf(row), (spent.get(dayOf(row)) ?? 0) + row.usd);
    }
    return spentSeries(spent, days, span.until, period, t("limits.spent"));
  }, [data, of.id, by, period, span.until, t]);
  const title = t(period === "month" ? "limits.thisMonth" : "limits.lastDays");
  const last = series.values.filter((value) => value !== null);
  const total = period === "month" ? (last.at(-1) ?? 0) : last.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  return (
    <Bars
      title={<h3 className="text-base font-semibold">{title}</h3>}
      label={`${of.name}: ${title}`}
      columns={chart.days(days)}
      series={[series]}
      format={format.usd}
      totals={{ label: t("limits.untilNow"), values: [total] }}
      bound={budget === null ? undefined : { value: budget, label: t(`limits.budgetOf.${period}`) }}
      words={chart.words}
      height={180}
    />
  );
}

function Form({ of, quota, onClose }: { of: Limited; quota: QuotaState | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [draft, setDraft] = useState(quota ? draftOf(quota) : EMPTY);
  const [lifting, setLifting] = useState(false);
  const bounds = boundsOf(draft);
  const done = async (said: string) => {
    await client.invalidateQueries({ queryKey: quotas.queryKey });
    toast(said);
    onClose();
  };
  const keep = useMutation({
    mutationFn: () => body(api.PUT("/quotas", { body: { ...bounds, subject: of.subject, subject_id: of.id, period: draft.period } })),
    onSuccess: () => done(t("limits.kept", { name: of.name })),
  });
  const lift = useMutation({
    mutationFn: (quota_id: string) => api.DELETE("/quotas/{quota_id}", { params: { path: { quota_id } } }),
    onSuccess: () => done(t("limits.lifted", { name: of.name })),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate();
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      {keep.error && <ErrorPanel error={keep.error} />}
      <LimitFields draft={draft} onChange={setDraft} />
      <div className="flex flex-wrap justify-end gap-2">
        {quota && (
          <Button kind="quiet" className="mr-auto text-bad" onClick={() => setLifting(true)}>
            {t("limits.lift")}
          </Button>
        )}
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={keep.isPending} disabled={bounds === null}>
          {t("common.save")}
        </Button>
      </div>
      {bounds === null && <p className="text-right text-sm text-muted">{t("limits.nothing")}</p>}
      <ConfirmChange
        open={lifting}
        onClose={() => setLifting(false)}
        onConfirm={() => quota && lift.mutate(quota.id)}
        change={lift}
        title={t("limits.liftAsk", { name: of.name })}
        text={t("limits.liftText")}
        confirmLabel={t("limits.lift")}
      />
    </form>
  );
}
