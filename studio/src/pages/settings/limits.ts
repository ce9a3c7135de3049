/** What somebody may use of models, as it is edited and as it is shown. */

import type { components } from "@/api/schema";
import type { Series } from "@/ui/chart/series";

export type QuotaState = components["schemas"]["QuotaState"];
export type Bounds = components["schemas"]["Bounds"];
export type Subject = QuotaState["subject"];

export const SUBJECTS = ["workspace", "key", "app", "account", "end_user", "group"] as const satisfies readonly Subject[];

/** As it stands in the fields: "" is no bound. */
export interface Draft {
  readonly someModels: boolean;
  readonly models: readonly string[];
  readonly requests: string;
  readonly tokens: string;
  readonly budget: string;
  readonly period: Bounds["period"] & string;
}

export const EMPTY: Draft = { someModels: false, models: [], requests: "", tokens: "", budget: "", period: "month" };

export function draftOf(quota: QuotaState): Draft {
  return {
    someModels: quota.models !== null,
    models: quota.models ?? [],
    requests: written(quota.requests_per_minute),
    tokens: written(quota.tokens_per_minute),
    budget: written(quota.budget_usd),
    period: quota.period,
  };
}

/** null: nothing is bounded. */
export function boundsOf(draft: Draft): Bounds | null {
  const bounds: Bounds = {
    models: draft.someModels ? [...draft.models] : null,
    requests_per_minute: read(draft.requests),
    tokens_per_minute: read(draft.tokens),
    budget_usd: read(draft.budget),
    period: draft.period,
  };
  const { models, requests_per_minute, tokens_per_minute, budget_usd } = bounds;
  return [models, requests_per_minute, tokens_per_minute, budget_usd].every((one) => one === null) ? null : bounds;
}

const written = (value: number | null): string => (value === null ? "" : String(value));
const read = (text: string): number | null => (text.trim() === "" ? null : Number(text));

/** The days of the month that `day` is in. */
export function monthOf(day: string): string[] {
  const [year = 0, month = 1] = day.split("-").map(Number);
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return Array.from({ length: last }, (_, index) => `${day.slice(0, 8)}${String(index + 1).padStart(2, "0")}`);
}

/** What was spent by each day. A month's budget is spent little by little: each day has what was spent up to it, and
    days after `today` have nothing yet. A day's budget begins anew each day. */
export function spentSeries(spent: ReadonlyMap<string, number>, days: readonly string[], today: string, period: Draft["period"], label: string): Series {
  let sum = 0;
  const values = days.map((day) => {
    if (day > today) return null;
    const one = spent.get(day) ?? 0;
    sum += one;
    return period === "month" ? sum : one;
  });
  return { id: "spent", label, tone: "s1", values };
}
