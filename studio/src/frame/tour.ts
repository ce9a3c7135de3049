/** The tour of five steps: which is open, and what the account remembers of it. */

import { useSyncExternalStore } from "react";

import { remember } from "@/frame/preferences";

/** In this order; each stands beside what carries its name as `data-tour`, the first such that is on the page. */
export const STEPS = ["demo", "chat", "knowledge", "settings", "search"] as const;
export type TourStep = (typeof STEPS)[number];

let open: number | null = null;
const listeners = new Set<() => void>();

function become(next: number | null): void {
  open = next;
  for (const tell of listeners) tell();
}

const keep = (changes: Parameters<typeof remember>[0]): void => void remember(changes).catch(() => undefined); // only a note

export const tour = {
  begin(at = 0): void {
    const step = at < STEPS.length ? at : 0;
    become(step);
    keep({ tour: "begun", tour_step: step });
  },
  /** Where the account left it; from the start where it went through it. */
  goOn(kept: Parameters<typeof remember>[0]): void {
    tour.begin(kept.tour === "done" ? 0 : (kept.tour_step ?? 0));
  },
  go(step: number): void {
    if (step >= STEPS.length) {
      become(null);
      keep({ tour: "done", tour_step: 0 });
    } else {
      become(Math.max(0, step));
      keep({ tour_step: Math.max(0, step) });
    }
  },
  /** Left before its end: the account menu goes on with it. */
  leave(): void {
    const step = open ?? 0;
    become(null);
    keep({ tour: "left", tour_step: step });
  },
  /** Never begun, and not wanted. */
  decline: (): void => keep({ tour: "left", tour_step: 0 }),
  /** Somebody else signs in, or nobody. */
  forget: (): void => become(null),
};

export function useTourStep(): number | null {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => open,
  );
}
