/** What was spent, as a chart and a table need it. Days are UTC's, written 2026-11-26, as the server counts them. */

import type { components } from "@/api/schema";
import { SERIES, type Series } from "@/ui/chart/series";

export type SpendRow = components["schemas"]["SpendRow"];

export const DIMENSIONS = ["model", "app", "key", "account", "end_user", "deployment", "operation"] as const;
export type Dimension = (typeof DIMENSIONS)[number];
export const MEASURES = ["usd", "requests", "tokens", "failures"] as const;
export type Measure = (typeof MEASURES)[number];
export const PERIODS = ["week", "days30", "month", "before", "days90"] as const;
export type Period = (typeof PERIODS)[number];

export interface Span {
  readonly since: string;
  readonly until: string;
}

const DAY_MS = 86_400_000;
const written = (time: number): string => new Date(time).toISOString().slice(0, 10);
const read = (day: string): number => Date.parse(`${day}T00:00:00Z`);

/** The days of a period that ends `now` (Unix milliseconds); `before` is the whole month before this one. */
export function spanOf(period: Period, now: number): Span {
  const at = new Date(now);
  const month = (offset: number) => Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + offset, 1);
  const last = (days: number) => ({ since: written(now - (days - 1) * DAY_MS), until: written(now) });
  switch (period) {
    case "week":
      return last(7);
    case "days30":
      return last(30);
    case "days90":
      return last(90);
    case "month":
      return { since: written(month(0)), until: written(now) };
    case "before":
      return { since: written(month(-1)), until: written(month(0) - DAY_MS) };
  }
}

/** As many days right before. */
export function beforeOf({ since, until }: Span): Span {
  const length = read(until) - read(since) + DAY_MS;
  return { since: written(read(since) - length), until: written(read(since) - DAY_MS) };
}

export function daysOf({ since, until }: Span): string[] {
  const found = [];
  for (let time = read(since); time <= read(until); time += DAY_MS) found.push(written(time));
  return found;
}

export const valueOf = (row: SpendRow, measure: Measure): number =>
  measure === "tokens" ? row.prompt_tokens + row.completion_tokens : row[measure];

export const totalOf = (rows: readonly SpendRow[], measure: Measure): number =>
  rows.reduce((sum, row) => sum + valueOf(row, measure), 0);

/** The server writes a day as 20261126. */
export const dayOf = (row: SpendRow): string => (row.by.day ?? "").replace(/^(\d{4})(\d{2})(\d{2})$/, "$1-$2-$3");

/** The largest by `measure`, each by day, and all others as one. `ranked`: for the whole span, without days. */
export function seriesOf(
  daily: readonly SpendRow[],
  ranked: readonly SpendRow[],
  dimension: Dimension,
  measure: Measure,
  days: readonly string[],
  nameOf: (row: SpendRow) => string,
  rest: string,
): Series[] {
  const place = new Map(days.map((day, index) => [day, index]));
  const top = [...ranked]
    .filter((row) => valueOf(row, measure) > 0)
    .sort((one, other) => valueOf(other, measure) - valueOf(one, measure))
    .slice(0, SERIES.length);
  const lines = new Map(top.map((row) => [row.by[dimension] ?? "", days.map(() => 0)]));
  const others = days.map(() => 0);
  for (const row of daily) {
    const index = place.get(dayOf(row));
    if (index === undefined) continue;
    const line = lines.get(row.by[dimension] ?? "") ?? others;
    line[index] = (line[index] ?? 0) + valueOf(row, measure);
  }
  const found: Series[] = top.map((row, index) => ({
    id: row.by[dimension] ?? "",
    label: nameOf(row),
    tone: SERIES[index] ?? "rest",
    values: lines.get(row.by[dimension] ?? "") ?? [],
  }));
  return others.some(Boolean) ? [...found, { id: "*", label: rest, tone: "rest", values: others }] : found;
}
