import type { TFunction } from "i18next";

import type { StoredRun } from "@/api/client";

const SOURCES = ["console", "service-api", "openai-api", "public", "tool", "webhook", "schedule", "pipeline"] as const;

/** Where a run came from. */
export function sourceOf(run: StoredRun, t: TFunction): string {
  const known = SOURCES.find((source) => source === run.source);
  return known ? t(`runs.source.${known}`) : run.source;
}

/** What it was asked, or what was filled in, in one line. */
export function askedOf(run: StoredRun): string {
  const { "sys.query": query, ...rest } = run.inputs as Record<string, unknown>;
  if (typeof query === "string" && query) return query;
  const filled = Object.entries(rest).filter(([name]) => !name.startsWith("sys."));
  return filled.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(", ");
}

/** "40 ms", "2.4 s", "2 min 5 s". */
export function took(ms: number, language: string): string {
  const seconds = ms / 1000;
  const unit = (value: number, name: "millisecond" | "second" | "minute", digits = 0) =>
    new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits }).format(value);
  if (ms < 1000) return unit(ms, "millisecond");
  if (seconds < 60) return unit(seconds, "second", seconds < 10 ? 1 : 0);
  return `${unit(Math.floor(seconds / 60), "minute")} ${unit(Math.round(seconds % 60), "second")}`;
}
