import { useId } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "@/i18n/format";
import { type Measure, type SpendRow, MEASURES, totalOf } from "@/pages/settings/spend";
import { cx } from "@/ui/classes";

interface MeasureCardsProps {
  rows: readonly SpendRow[];
  /** Of as many days before; none yet: no comparison. */
  past: readonly SpendRow[] | undefined;
  value: Measure;
  onChange: (value: Measure) => void;
}

/** The sums of a span, beside those of the one before; the chosen one is what chart and table show. */
export function MeasureCards({ rows, past, value, onChange }: MeasureCardsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const name = useId();
  return (
    <div role="radiogroup" aria-label={t("spend.measures")} className="grid grid-cols-2 gap-2 lg:grid-cols-4">
      {MEASURES.map((one) => {
        const total = totalOf(rows, one);
        const was = past && totalOf(past, one);
        return (
          <label
            key={one}
            className={cx(
              "relative cursor-pointer rounded-lg border bg-surface px-4 py-3 has-focus-visible:outline-2 has-focus-visible:outline-accent",
              one === value ? "border-accent shadow-low ring-1 ring-accent" : "border-line hover:border-control",
            )}
          >
            <input type="radio" name={name} checked={one === value} onChange={() => onChange(one)} className="absolute inset-0 cursor-pointer opacity-0" />
            <span className="block text-sm text-muted">{t(`spend.measure.${one}`)}</span>
            <span className="block text-xl font-semibold tracking-tight tabular-nums">
              {one === "usd" ? format.usd(total) : format.compact(total)}
            </span>
            <span className="block text-sm text-muted">{was === undefined ? "\u00a0" : was > 0 ? compare(total / was - 1) : t("spend.new")}</span>
          </label>
        );
      })}
    </div>
  );

  function compare(change: number): string {
    if (Math.abs(change) < 0.005) return t("spend.same");
    return t(change > 0 ? "spend.more" : "spend.less", { part: format.percent(Math.abs(change)) });
  }
}
