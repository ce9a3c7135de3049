import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import type { BarColumn, BarWords } from "@/ui/chart/Bars";

/** What charts of days say, in the reader's language. */
export function useChartWords(): { words: BarWords; days: (days: readonly string[]) => BarColumn[] } {
  const { t, i18n } = useTranslation();
  const language = i18n.language;
  return useMemo(() => {
    const short = new Intl.DateTimeFormat(language, { month: "numeric", day: "numeric", timeZone: "UTC" });
    const long = new Intl.DateTimeFormat(language, { month: "long", day: "numeric", weekday: "short", timeZone: "UTC" });
    return {
      words: { table: t("chart.table"), chart: t("chart.chart"), column: t("chart.day"), total: t("chart.total") },
      days: (days) =>
        days.map((day) => {
          const time = Date.parse(`${day}T00:00:00Z`);
          return { id: day, short: short.format(time), long: long.format(time) };
        }),
    };
  }, [t, language]);
}
