/** A cron expression in the reader's words, where it is one of those that people choose; times of a time zone. */

import type { TFunction } from "i18next";

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

export type Rhythm =
  | { readonly kind: "minutes"; readonly every: number }
  | { readonly kind: "hourly"; readonly minute: number }
  | { readonly kind: "daily"; readonly time: readonly [number, number] }
  | { readonly kind: "weekly"; readonly time: readonly [number, number]; readonly days: readonly number[] }
  | { readonly kind: "monthly"; readonly time: readonly [number, number]; readonly days: readonly (number | "last")[] };

const number = (text: string): number | null => (/^\d{1,2}$/.test(text) ? Number(text) : null);

function weekdayOf(text: string): number | null {
  const named = DAYS.indexOf(text.toLowerCase());
  const found = named >= 0 ? named : number(text);
  return found === null || found > 7 ? null : found % 7;
}

function weekdays(text: string): number[] | null {
  const found: number[] = [];
  for (const part of text.split(",")) {
    const [first, last] = part.split("-").map(weekdayOf);
    if (first === undefined || first === null || last === null) return null;
    for (let day = first; day <= (last ?? first); day++) found.push(day);
    if (last !== undefined && last < first) return null;
  }
  return found;
}

function dates(text: string): (number | "last")[] | null {
  const found = text.split(",").map((part) => (part.toUpperCase() === "L" ? "last" : number(part)));
  return found.includes(null) ? null : (found as (number | "last")[]);
}

/** null: it is told as it is written. */
export function rhythmOf(cron: string): Rhythm | null {
  const [minutes = "", hours = "", date = "", month = "", day = ""] = cron.trim().split(/\s+/);
  const any = (field: string) => field === "*" || field === "?";
  const every = /^\*\/(\d{1,2})$/.exec(minutes);
  if (!any(month)) return null;
  if (every?.[1] && any(hours) && any(date) && any(day)) return { kind: "minutes", every: Number(every[1]) };
  const minute = number(minutes);
  if (minutes === "*" && any(hours) && any(date) && any(day)) return { kind: "minutes", every: 1 };
  if (minute === null) return null;
  if (any(hours) && any(date) && any(day)) return { kind: "hourly", minute };
  const hour = number(hours);
  if (hour === null) return null;
  const time = [hour, minute] as const;
  if (any(date) && any(day)) return { kind: "daily", time };
  if (any(date)) {
    const days = weekdays(day);
    return days && { kind: "weekly", time, days };
  }
  const days = any(day) ? dates(date) : null;
  return days && { kind: "monthly", time, days };
}

/** The schedule as a sentence. */
export function told(t: TFunction, language: string, cron: string): string {
  const rhythm = rhythmOf(cron);
  if (!rhythm) return t("triggers.cron", { cron });
  if (rhythm.kind === "minutes") return t("triggers.minutes", { count: rhythm.every });
  if (rhythm.kind === "hourly") return t("triggers.hourly", { minute: rhythm.minute });
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "short", timeZone: "UTC" });
  const time = clock.format(Date.UTC(2023, 0, 1, ...rhythm.time));
  switch (rhythm.kind) {
    case "daily":
      return t("triggers.daily", { time });
    case "weekly": {
      const name = new Intl.DateTimeFormat(language, { weekday: "long", timeZone: "UTC" });
      const days = rhythm.days.map((day) => name.format(Date.UTC(2023, 0, 1 + day))); // 1 January 2023 is a Sunday
      return t("triggers.weekly", { days: days.join(", "), time });
    }
    case "monthly": {
      const days = rhythm.days.map((day) => (day === "last" ? t("triggers.lastDay") : t("triggers.day", { day })));
      return t("triggers.monthly", { days: days.join(", "), time });
    }
  }
}

/** A moment by the clocks of a time zone. */
export function inZone(language: string, zone: string, at: number): string {
  return new Intl.DateTimeFormat(language, {
    weekday: "short",
    year: "numeric",
    month: "short",
    day: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZone: zone,
    timeZoneName: "short",
  }).format(at);
}
