import { useCallback, useRef } from "react";

import type { DeploymentState } from "@/pages/models/route";

/** How many looks are kept. */
export const ROOM = 40;

interface Lately {
  readonly latency: (number | null)[];
  readonly busy: number[];
}

export const keyOf = ({ server, model }: DeploymentState): string => `${server} ${model}`;

/** What was seen of each deployment since the page was opened; `at`: when `states` came. */
export function useLately(states: readonly DeploymentState[] | undefined, at: number): (one: DeploymentState) => Lately {
  const kept = useRef(new Map<string, Lately>());
  const last = useRef(0);
  if (states && at !== last.current) {
    last.current = at;
    for (const one of states) {
      const { latency, busy } = kept.current.get(keyOf(one)) ?? { latency: [], busy: [] };
      kept.current.set(keyOf(one), {
        latency: [...latency, one.latency_ms || null].slice(-ROOM),
        busy: [...busy, one.in_flight].slice(-ROOM),
      });
    }
  }
  return useCallback((one) => kept.current.get(keyOf(one)) ?? { latency: [], busy: [] }, []);
}
