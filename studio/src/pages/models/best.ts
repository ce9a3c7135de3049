import { type Run, speedOf } from "@/pages/models/ask";

export interface Best {
  readonly firstMs: number | null;
  readonly speed: number | null;
  readonly usd: number | null;
}

/** The best of each number among answers that are complete; null where there are none to compare. */
export function bestOf(runs: readonly (Run | undefined)[]): Best {
  const done = runs.filter((run) => run?.state === "done");
  const known = (of: (run: Run) => number | null) => done.flatMap((run) => (run ? (of(run) ?? []) : []));
  const pick = (values: number[], choose: (...values: number[]) => number) =>
    new Set(values).size > 1 ? choose(...values) : null;
  return {
    firstMs: pick(known(({ firstMs }) => firstMs), Math.min),
    speed: pick(known(speedOf), Math.max),
    usd: pick(known(({ usd }) => usd), Math.min),
  };
}
