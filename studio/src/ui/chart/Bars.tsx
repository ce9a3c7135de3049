import { ChartColumn, Table2 } from "lucide-react";
import { type KeyboardEvent, type PointerEvent, type ReactNode, useState } from "react";

import { IconButton } from "@/ui/Button";
import { type Series, FILLS, SWATCHES } from "@/ui/chart/series";
import { labelled, ticksOf } from "@/ui/chart/ticks";
import { useWidth } from "@/ui/chart/useWidth";
import { cx } from "@/ui/classes";

export interface BarColumn {
  readonly id: string;
  /** Under the axis. */
  readonly short: string;
  /** Where it is read. */
  readonly long: string;
}

export interface BarWords {
  readonly table: string;
  readonly chart: string;
  readonly column: string;
  readonly total: string;
}

interface BarsProps {
  title: ReactNode;
  /** What it shows, for those who do not see it. */
  label: string;
  columns: readonly BarColumn[];
  /** The first stands lowest. */
  series: readonly Series[];
  format: (value: number) => string;
  /** What stands beside the chart while no column is read; values: none, the sum of each series. */
  totals?: { readonly label: string; readonly values?: readonly number[] };
  /** A line across: what may be reached. */
  bound?: { readonly value: number; readonly label: string };
  words: BarWords;
  height?: number;
}

const LEFT = 52;
const BOTTOM = 22;
const TOP = 8;

/** Bars over time, stacked. A column is read by pointer or arrow keys in the list beside, or all of them as a table. */
export function Bars({ title, label, columns, series, format, totals, bound, words, height = 220 }: BarsProps) {
  const [asTable, setAsTable] = useState(false);
  const [at, setAt] = useState<number | null>(null);
  const whole = totals?.values ?? series.map(({ values }) => sum(values));
  const shown = at === null ? whole : series.map(({ values }) => values[at] ?? 0);
  return (
    <figure>
      <figcaption className="flex flex-wrap items-center gap-2">
        <div className="min-w-0 grow">{title}</div>
        <IconButton
          icon={asTable ? ChartColumn : Table2}
          label={asTable ? words.chart : words.table}
          size="small"
          onClick={() => setAsTable(!asTable)}
        />
      </figcaption>
      {asTable ? (
        <Numbers label={label} columns={columns} series={series} format={format} words={words} />
      ) : (
        <div className="mt-3 grid gap-x-6 gap-y-3 lg:grid-cols-[minmax(0,1fr)_15rem]">
          <Plot {...{ label, columns, series, format, bound, words, height, at, onAt: setAt }} />
          <div className="flex flex-col gap-1.5">
            <p className="text-sm text-muted">{at === null ? (totals?.label ?? words.total) : columns[at]?.long}</p>
            {series.length > 1 && <p className="text-lg font-semibold tabular-nums">{format(sum(shown))}</p>}
            <ul className="grid gap-x-4 gap-y-1 sm:grid-cols-2 lg:grid-cols-1">
              {series.map((one, index) => (
                <li key={one.id} className="flex min-w-0 items-baseline gap-2 text-sm">
                  <span aria-hidden className={cx("size-2.5 shrink-0 translate-y-px rounded-xs", SWATCHES[one.tone])} />
                  <span className="min-w-0 grow truncate" title={one.label}>
                    {one.label}
                  </span>
                  <span className="tabular-nums">{format(shown[index] ?? 0)}</span>
                </li>
              ))}
              {bound && (
                <li className="flex min-w-0 items-baseline gap-2 text-sm">
                  <span aria-hidden className="w-2.5 shrink-0 -translate-y-1 border-t-2 border-dashed border-bad" />
                  <span className="min-w-0 grow truncate">{bound.label}</span>
                  <span className="tabular-nums">{format(bound.value)}</span>
                </li>
              )}
            </ul>
          </div>
        </div>
      )}
    </figure>
  );
}

interface PlotProps extends Pick<BarsProps, "label" | "columns" | "series" | "format" | "bound" | "words"> {
  height: number;
  at: number | null;
  onAt: (at: number | null) => void;
}

function Plot({ label, columns, series, format, bound, words, height, at, onAt }: PlotProps) {
  const [box, width] = useWidth<HTMLDivElement>(640);
  const tops = columns.map((_, index) => sum(series.map(({ values }) => values[index] ?? 0)));
  const ticks = ticksOf(Math.max(bound?.value ?? 0, ...tops));
  const most = ticks.at(-1) || 1;
  const floor = height - BOTTOM;
  const y = (value: number) => floor - (value / most) * (floor - TOP);
  const step = (width - LEFT) / Math.max(1, columns.length);
  const thick = Math.max(1, Math.min(step * 0.72, 40));
  const named = labelled(columns.length, Math.floor((width - LEFT) / 64));
  const find = (event: PointerEvent<HTMLDivElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT;
    onAt(x < 0 ? null : Math.min(columns.length - 1, Math.floor(x / step)));
  };
  const press = (event: KeyboardEvent) => {
    const last = columns.length - 1;
    const next = { ArrowLeft: (at ?? columns.length) - 1, ArrowRight: (at ?? -1) + 1, Home: 0, End: last }[event.key];
    if (next === undefined && event.key !== "Escape") return;
    event.preventDefault();
    onAt(next === undefined ? null : Math.max(0, Math.min(last, next)));
  };
  const reading = (index: number) =>
    [
      columns[index]?.long,
      `${words.total} ${format(tops[index] ?? 0)}`,
      ...series.filter(({ values }) => values[index]).map((one) => `${one.label} ${format(one.values[index] ?? 0)}`),
    ].join(", ");
  return (
    <div
      ref={box}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={1}
      aria-valuemax={Math.max(1, columns.length)}
      aria-valuenow={(at ?? columns.length - 1) + 1}
      aria-valuetext={reading(at ?? columns.length - 1)}
      onKeyDown={press}
      onBlur={() => onAt(null)}
      onPointerMove={find}
      onPointerDown={find}
      onPointerLeave={() => onAt(null)}
      className="min-w-0 touch-pan-y rounded-sm"
    >
      <svg width={width} height={height} aria-hidden className="block overflow-visible text-xs">
        {ticks.map((tick) => (
          <g key={tick}>
            <line x1={LEFT} x2={width} y1={y(tick)} y2={y(tick)} className={tick === 0 ? "stroke-control" : "stroke-line"} />
            <text x={LEFT - 8} y={y(tick) + 4} textAnchor="end" className="fill-muted tabular-nums">
              {format(tick)}
            </text>
          </g>
        ))}
        {at !== null && <rect x={LEFT + at * step} y={TOP} width={step} height={floor - TOP} className="fill-hover" />}
        {columns.map((column, index) => (
          <Stack key={column.id} series={series} index={index} x={LEFT + index * step + (step - thick) / 2} thick={thick} y={y} />
        ))}
        {bound && (
          <line x1={LEFT} x2={width} y1={y(bound.value)} y2={y(bound.value)} strokeWidth={2} strokeDasharray="6 4" className="stroke-bad" />
        )}
        {columns.map(
          (column, index) =>
            named.has(index) && (
              <text key={column.id} x={Math.min(LEFT + (index + 0.5) * step, width - 14)} y={height - 6} textAnchor="middle" className="fill-muted">
                {column.short}
              </text>
            ),
        )}
      </svg>
    </div>
  );
}

interface StackProps {
  series: readonly Series[];
  index: number;
  x: number;
  thick: number;
  y: (value: number) => number;
}

/** A line of the ground stands between the parts, so that neighbours are told apart whatever their colours are. */
function Stack({ series, index, x, thick, y }: StackProps) {
  let under = 0;
  return series.map((one) => {
    const value = one.values[index] ?? 0;
    if (!value) return null;
    const [low, high] = [y(under), y(under + value)];
    const gap = under > 0 && low - high > 2 ? 1 : 0;
    under += value;
    return <rect key={one.id} x={x} width={thick} y={high} height={Math.max(0.5, low - high - gap)} rx={thick > 6 ? 1.5 : 0} className={FILLS[one.tone]} />;
  });
}

function Numbers({ label, columns, series, format, words }: Pick<BarsProps, "label" | "columns" | "series" | "format" | "words">) {
  const cell = "px-3 py-1.5 text-right tabular-nums whitespace-nowrap";
  return (
    <div tabIndex={0} role="region" aria-label={label} className="scroll-quiet relative mt-3 max-h-80 overflow-x-auto overflow-y-auto">
      <table aria-label={label} className="w-full border-collapse text-sm">
        <thead className="sticky top-0 bg-surface text-muted">
          <tr className="border-b border-line">
            <th scope="col" className="px-3 py-1.5 text-left font-medium">
              {words.column}
            </th>
            {series.map((one) => (
              <th key={one.id} scope="col" className="px-3 py-1.5 text-right font-medium whitespace-nowrap">
                {one.label}
              </th>
            ))}
            {series.length > 1 && (
              <th scope="col" className="px-3 py-1.5 text-right font-medium">
                {words.total}
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {columns.map((column, index) => (
            <tr key={column.id} className="border-b border-line last:border-b-0">
              <th scope="row" className="px-3 py-1.5 text-left font-normal whitespace-nowrap">
                {column.long}
              </th>
              {series.map((one) => (
                <td key={one.id} className={cell}>
                  {one.values[index] === null ? "" : format(one.values[index] ?? 0)}
                </td>
              ))}
              {series.length > 1 && <td className={cx(cell, "font-medium")}>{format(sum(series.map(({ values }) => values[index] ?? 0)))}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const sum = (values: readonly (number | null)[]): number => values.reduce<number>((all, one) => all + (one ?? 0), 0);
