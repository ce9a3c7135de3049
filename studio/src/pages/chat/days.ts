/** Conversations under the day they were last talked in: today, yesterday, this week, then months. */

export type Day =
  | { readonly kind: "today" | "yesterday" | "week" }
  | { readonly kind: "month"; readonly year: number; readonly month: number };

const DAY_MS = 86_400_000;

/** `then` and `now`: Unix milliseconds; days are the reader's own. */
export function dayOf(then: number, now: number): Day {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (then >= midnight) return { kind: "today" };
  if (then >= new Date(midnight - DAY_MS / 2).setHours(0, 0, 0, 0)) return { kind: "yesterday" };
  if (then >= midnight - 6 * DAY_MS) return { kind: "week" };
  const date = new Date(then);
  return { kind: "month", year: date.getFullYear(), month: date.getMonth() };
}

const same = (one: Day, other: Day): boolean => JSON.stringify(one) === JSON.stringify(other);

/** Newest first in, groups of neighbours of one day out. */
export function byDay<T extends { readonly updated_at: number }>(
  all: readonly T[],
  now: number,
): readonly { readonly day: Day; readonly items: readonly T[] }[] {
  const groups: { day: Day; items: T[] }[] = [];
  for (const one of all) {
    const day = dayOf(one.updated_at, now);
    const last = groups.at(-1);
    if (last && same(last.day, day)) last.items.push(one);
    else groups.push({ day, items: [one] });
  }
  return groups;
}
