/** Numbers, sizes and times as the reader's language writes them. */

import { useMemo } from "react";
import { useTranslation } from "react-i18next";

const UNITS = ["B", "kB", "MB", "GB", "TB"] as const;
const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function formatBytes(language: string, bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = value < 10 && unit > 0 ? 1 : 0;
  return `${new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value)} ${UNITS[unit]}`;
}

/** How long before `now`; both in Unix milliseconds. */
export function formatAgo(language: string, then: number, now: number): string {
  const seconds = Math.round((then - now) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  for (const [unit, size] of STEPS) {
    if (Math.abs(seconds) >= size) return format.format(Math.trunc(seconds / size), unit);
  }
  return format.format(0, "second");
}

/** US dollars: two digits, of small amounts as many as say something. */
export function formatUsd(language: string, value: number): string {
  const small = value !== 0 && Math.abs(value) < 1;
  return new Intl.NumberFormat(language, {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    ...(small ? { minimumSignificantDigits: 2, maximumSignificantDigits: 3 } : {}),
  }).format(value);
}

export function useFormat() {
  const { i18n } = useTranslation();
  const language = i18n.language;
  return useMemo(
    () => ({
      number: (value: number, digits = 0) =>
        new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value),
      usd: (value: number) => formatUsd(language, value),
      /** "1.2M", "120만". */
      compact: (value: number) => new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 }).format(value),
      percent: (part: number) => new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }).format(part),
      bytes: (value: number) => formatBytes(language, value),
      ago: (then: number) => formatAgo(language, then, Date.now()),
      date: (value: number) =>
        new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(value),
    }),
    [language],
  );
}
