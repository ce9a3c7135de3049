import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { ChartColumn, Download, Tag } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { BASE } from "@/api/client";
import { spentBy } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { MeasureCards } from "@/pages/settings/MeasureCards";
import { PriceList } from "@/pages/settings/PriceList";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { SpendTable } from "@/pages/settings/SpendTable";
import {
  type Dimension,
  type Measure,
  type Period,
  type SpendRow,
  DIMENSIONS,
  MEASURES,
  PERIODS,
  beforeOf,
  daysOf,
  seriesOf,
  spanOf,
} from "@/pages/settings/spend";
import { useChartWords } from "@/pages/settings/useChartWords";
import { Button, buttonLook } from "@/ui/Button";
import { SidePanel } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState, Skeleton, SkeletonRows } from "@/ui/States";
import { Bars } from "@/ui/chart/Bars";

const among = <T extends string>(all: readonly T[], value: string | undefined, other: T): T => all.find((one) => one === value) ?? other;

/** What models were used for and what it cost: by day, and by whom or what one chooses. */
export function Spend() {
  const { t } = useTranslation();
  const format = useFormat();
  const chart = useChartWords();
  const search = useSearch({ from: "/inside/administration/settings/spend" });
  const go = useNavigate({ from: "/settings/spend" });
  const by = among<Dimension>(DIMENSIONS, search.by, "model");
  const over = among<Period>(PERIODS, search.over, "days30");
  const of = among<Measure>(MEASURES, search.of, "usd");
  const [pricing, setPricing] = useState(false);
  const span = spanOf(over, Date.now());
  const before = beforeOf(span);
  const ranked = useQuery(spentBy([by], span.since, span.until));
  const daily = useQuery(spentBy(["day", by], span.since, span.until));
  const past = useQuery(spentBy(["operation"], before.since, before.until));
  const set = (next: Partial<typeof search>) => void go({ search: (old) => ({ ...old, ...next }), replace: true });
  const days = useMemo(() => daysOf(span), [span.since, span.until]);
  const nameOf = (row: SpendRow): string => {
    const id = row.by[by] ?? "";
    if (by === "operation") return t(`spend.operation.${id as "chat"}`, { defaultValue: id });
    if (id === "") return t(`spend.without.${by}`);
    return (row.names[by] ?? id) || t("spend.gone", { id: id.slice(-6) });
  };
  const rows = ranked.data?.rows;
  const error = ranked.error ?? daily.error;
  const show = (value: number) => (of === "usd" ? format.usd(value) : format.compact(value));
  const title = t(`spend.chart.${of}`, { by: t(`spend.by.${by}`) });
  const query = new URLSearchParams([["by", "day"], ["by", by], ["since", span.since], ["until", span.until]]);
  return (
    <Page>
      <SettingsHead tab="spend" />
      <div className="mb-4 flex flex-wrap items-center gap-2">
        <Select
          label={t("spend.period")}
          value={over}
          choices={PERIODS.map((value) => ({ value, label: t(`spend.over.${value}`) }))}
          onChange={(value) => set({ over: value })}
        />
        <Select
          label={t("spend.split")}
          value={by}
          choices={DIMENSIONS.map((value) => ({ value, label: t(`spend.by.${value}`), hint: t(`spend.byText.${value}`) }))}
          onChange={(value) => set({ by: value })}
        />
        <span className="grow" />
        <Button icon={Tag} onClick={() => setPricing(true)}>
          {t("prices.title")}
        </Button>
        <a href={`${BASE}/spend.csv?${query.toString()}`} download className={buttonLook()}>
          <Download size={15} aria-hidden />
          {t("spend.csv")}
        </a>
      </div>
      {error && <ErrorPanel error={error} onRetry={() => void Promise.all([ranked.refetch(), daily.refetch()])} />}
      {!error && !rows && (
        <div className="flex flex-col gap-4">
          <Skeleton className="h-20" />
          <Skeleton className="h-72" />
          <SkeletonRows label={t("common.loading")} />
        </div>
      )}
      {!error && rows && (
        <div className="flex flex-col gap-4">
          <MeasureCards rows={rows} past={past.data?.rows} value={of} onChange={(value) => set({ of: value })} />
          {rows.length === 0 ? (
            <Panel>
              <EmptyState icon={ChartColumn} title={t("spend.none")} text={t("spend.noneText")} />
            </Panel>
          ) : (
            <>
              <Panel>
                <Bars
                  title={<h2 className="text-base font-semibold">{title}</h2>}
                  label={title}
                  columns={chart.days(days)}
                  series={seriesOf(daily.data?.rows ?? [], rows, by, of, days, nameOf, t("spend.rest"))}
                  format={show}
                  totals={{ label: t(`spend.over.${over}`) }}
                  words={chart.words}
                />
                <p className="mt-3 text-sm text-muted">{t("spend.utc")}</p>
              </Panel>
              <SpendTable rows={rows} by={by} of={of} nameOf={nameOf} onPrices={() => setPricing(true)} />
            </>
          )}
        </div>
      )}
      <SidePanel open={pricing} onClose={() => setPricing(false)} title={t("prices.title")} hint={t("prices.text")} closeLabel={t("common.close")} wide>
        <PriceList />
      </SidePanel>
    </Page>
  );
}
