import { expect, test } from "vitest";

import { byDay, dayOf } from "@/pages/chat/days";

const NOW = new Date(2026, 10, 25, 9, 30).getTime();
const at = (month: number, day: number, hour = 12): number => new Date(2026, month, day, hour).getTime();

test("days are the reader's own, from midnight to midnight", () => {
  expect(dayOf(at(10, 25, 0), NOW)).toEqual({ kind: "today" });
  expect(dayOf(at(10, 24, 23), NOW)).toEqual({ kind: "yesterday" });
  expect(dayOf(at(10, 24, 0), NOW)).toEqual({ kind: "yesterday" });
  expect(dayOf(at(10, 23, 23), NOW)).toEqual({ kind: "week" });
  expect(dayOf(at(10, 19, 0), NOW)).toEqual({ kind: "week" });
  expect(dayOf(at(10, 18, 23), NOW)).toEqual({ kind: "month", year: 2026, month: 10 });
});

test("neighbours of one day are one group, in the order they came", () => {
  const all = [at(10, 25, 9), at(10, 25, 1), at(10, 24), at(8, 2), at(8, 1)].map((updated_at) => ({ updated_at }));
  expect(byDay(all, NOW).map(({ day, items }) => [day.kind, items.length])).toEqual([
    ["today", 2],
    ["yesterday", 1],
    ["month", 2],
  ]);
});
