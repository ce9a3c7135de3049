/** Where the reader is: pages say it, the top bar and the window's title show it. */

import { useEffect, useSyncExternalStore } from "react";

export interface Crumb {
  readonly label: string;
  readonly to?: string;
}

let current: readonly Crumb[] = [];
const listeners = new Set<() => void>();

/** Labels that still load are "" and left out. */
export function useCrumbs(...crumbs: Crumb[]): void {
  const written = JSON.stringify(crumbs.filter(({ label }) => label !== ""));
  useEffect(() => {
    current = JSON.parse(written) as Crumb[];
    document.title = [...current.map(({ label }) => label).reverse(), "LLMFlow"].join(" · ");
    for (const tell of listeners) tell();
  }, [written]);
}

export function useCurrentCrumbs(): readonly Crumb[] {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => current,
  );
}
