/** An action is one object: buttons, the command palette and the keyboard all take the same one. */

import type { LucideIcon } from "lucide-react";
import { useEffect, useSyncExternalStore } from "react";

export interface Action {
  readonly id: string;
  readonly label: string;
  /** The palette's heading it stands under. */
  readonly group: string;
  readonly icon: LucideIcon;
  /** "mod+k", "shift+?", or keys after each other: "g h". */
  readonly shortcut?: string;
  /** Further words it is found by. */
  readonly words?: string;
  readonly run: () => void;
}

let sets: readonly (readonly Action[])[] = [];
let all: readonly Action[] = [];
const listeners = new Set<() => void>();

function become(next: readonly (readonly Action[])[]): void {
  sets = next;
  all = sets.flat();
  for (const tell of listeners) tell();
}

/** Offers actions as long as the component stands. `actions` must keep its identity while nothing changes (useMemo). */
export function useActions(actions: readonly Action[]): void {
  useEffect(() => {
    become([...sets, actions]);
    return () => become(sets.filter((set) => set !== actions));
  }, [actions]);
}

export function useOffered(): readonly Action[] {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => all,
  );
}

export const offered = (): readonly Action[] => all;
