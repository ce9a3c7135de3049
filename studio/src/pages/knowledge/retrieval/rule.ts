/** A rule that is tried: what of it is otherwise than the base keeps it, as it stands in the page's address. */

import type { Said, Tried, Where } from "@/api/documents";
import type { Evaluation, Measured, SearchRule } from "@/api/evaluation";

const MODES = ["dense", "keyword", "hybrid"] as const;
const FUSIONS = ["weights", "ranks"] as const;
export const MOST_WORDINGS = 5;
export const MOST_PASSAGES = 100;

const isIn = (value: unknown, least: number, most: number): value is number =>
  typeof value === "number" && value >= least && value <= most;

/** What of an address can be tried; the rest is passed over. */
export function triedOf(given: unknown): Tried {
  if (typeof given !== "object" || given === null) return {};
  const said = given as Record<string, unknown>;
  const mode = MODES.find((one) => one === said.mode);
  const fusion = FUSIONS.find((one) => one === said.fusion);
  return {
    ...(mode && { mode }),
    ...(fusion && { fusion }),
    ...((said.dense_weight === null || isIn(said.dense_weight, 0, 1)) && { dense_weight: said.dense_weight }),
    ...((said.threshold === null || isIn(said.threshold, -1, 1)) && { threshold: said.threshold }),
    ...(isIn(said.top_k, 1, MOST_PASSAGES) && { top_k: Math.round(said.top_k) }),
    ...(isIn(said.multi_query, 0, MOST_WORDINGS) && { multi_query: Math.round(said.multi_query) }),
    ...(typeof said.rerank === "boolean" && { rerank: said.rerank }),
    ...(typeof said.auto_merge === "boolean" && { auto_merge: said.auto_merge }),
  };
}

export const withTried = (now: SearchRule, tried: Tried): SearchRule => ({ ...now, ...tried }) as SearchRule;

/** What of `next` is otherwise than `now`; nothing: undefined, so that the address stays short. */
export function differenceOf(now: SearchRule, next: SearchRule): Tried | undefined {
  const entries = Object.entries(next).filter(([name, value]) => value !== now[name as keyof SearchRule]);
  return entries.length > 0 ? (Object.fromEntries(entries) as Tried) : undefined;
}

const UNARY: readonly string[] = ["empty", "not empty"];
export const isUnary = (operator: string): boolean => UNARY.includes(operator);

/** Conditions that say something. */
export function whereOf(given: unknown): Where {
  const { conditions, operator } = (typeof given === "object" && given !== null ? given : {}) as Partial<Where>;
  const said = Array.isArray(conditions) ? conditions : [];
  return { operator: operator === "or" ? "or" : "and", conditions: said.filter(saysSomething) };
}

const saysSomething = ({ name, operator, value }: Said): boolean =>
  name !== "" && (isUnary(operator) || (value !== undefined && value !== null && value !== ""));

/** What the newest finished evaluation measured of a way of searching. */
export function measuredOf(runs: readonly Evaluation[] | undefined): {
  readonly run: Evaluation | undefined;
  readonly of: (name: string) => Measured | undefined;
} {
  const run = runs?.find(({ best }) => best !== "");
  return { run, of: (name) => run?.settings.find((one) => one.name === name && one.questions > 0) };
}
