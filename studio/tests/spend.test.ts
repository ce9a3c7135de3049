import { expect, test } from "vitest";

import { formatUsd } from "@/i18n/format";
import { type SpendRow, beforeOf, daysOf, seriesOf, spanOf, totalOf } from "@/pages/settings/spend";
import { EMPTY, boundsOf, monthOf, spentSeries } from "@/pages/settings/limits";
import { labelled, ticksOf } from "@/ui/chart/ticks";

const row = (by: Record<string, string>, usd: number): SpendRow => ({
  by,
  names: {},
  usd,
  requests: 1,
  failures: 0,
  estimated: 0,
  prompt_tokens: 10,
  completion_tokens: 5,
});

test("an axis has round marks that reach over the most", () => {
  expect(ticksOf(0)).toEqual([0]);
  expect(ticksOf(4.9)).toEqual([0, 2, 4, 6]);
  expect(ticksOf(100)).toEqual([0, 25, 50, 75, 100]);
  expect(ticksOf(0.00031)).toEqual([0, 0.0001, 0.0002, 0.0003, 0.0004]);
  for (const most of [1, 7, 13, 99, 1234, 5e9]) expect(ticksOf(most).at(-1)).toBeGreaterThanOrEqual(most);
});

test("labels stand evenly, the last one always", () => {
  expect([...labelled(5, 10)].sort()).toEqual([0, 1, 2, 3, 4]);
  expect([...labelled(30, 4)].sort((one, other) => one - other)).toEqual([5, 13, 21, 29]);
});

test("a span has its days in UTC, and as many before it", () => {
  const now = Date.parse("2026-03-01T00:30:00Z");
  expect(spanOf("week", now)).toEqual({ since: "2026-02-23", until: "2026-03-01" });
  expect(spanOf("before", now)).toEqual({ since: "2026-02-01", until: "2026-02-28" });
  expect(spanOf("month", now)).toEqual({ since: "2026-03-01", until: "2026-03-01" });
  expect(beforeOf({ since: "2026-02-23", until: "2026-03-01" })).toEqual({ since: "2026-02-16", until: "2026-02-22" });
  expect(daysOf(spanOf("days30", now))).toHaveLength(30);
});

test("the largest stand alone and the others together, and nothing is lost", () => {
  const days = ["2026-11-25", "2026-11-26"];
  const names = Array.from({ length: 9 }, (_, index) => `모델 ${index}`);
  const ranked = names.map((model, index) => row({ model }, 10 - index));
  const daily = names.flatMap((model, index) => [
    row({ day: "20261125", model }, 4 - index / 10),
    row({ day: "20261126", model }, 6 - (index * 9) / 10),
  ]);
  const series = seriesOf(daily, ranked, "model", "usd", days, (one) => one.by.model ?? "", "나머지");
  expect(series.map(({ label }) => label)).toEqual([...names.slice(0, 6), "나머지"]);
  const all = series.flatMap(({ values }) => values).reduce<number>((sum, one) => sum + (one ?? 0), 0);
  expect(all).toBeCloseTo(totalOf(ranked, "usd"));
  expect(new Set(series.map(({ tone }) => tone)).size).toBe(7);
});

test("small amounts keep what they say", () => {
  expect(formatUsd("en", 0)).toBe("$0.00");
  expect(formatUsd("en", 0.0000123)).toBe("$0.0000123");
  expect(formatUsd("ko", 1234.5)).toBe("$1,234.50");
});

test("a month's budget fills day by day, a day's begins anew, and days to come are empty", () => {
  const spent = new Map([["2026-02-01", 2], ["2026-02-03", 3]]);
  const days = monthOf("2026-02-03");
  expect(days).toHaveLength(28);
  expect(spentSeries(spent, days, "2026-02-03", "month", "").values.slice(0, 4)).toEqual([2, 2, 5, null]);
  expect(spentSeries(spent, days, "2026-02-03", "day", "").values.slice(0, 4)).toEqual([2, 0, 3, null]);
});

test("empty fields bound nothing, and a zero bounds all", () => {
  expect(boundsOf(EMPTY)).toBeNull();
  expect(boundsOf({ ...EMPTY, requests: "0" })).toMatchObject({ requests_per_minute: 0, tokens_per_minute: null, models: null });
  expect(boundsOf({ ...EMPTY, someModels: true })).toMatchObject({ models: [] });
});
