/** A public page as it stands in the form, and the tag that embeds it. */

import type { Site } from "@/api/client";
import type { components } from "@/api/schema";

type NewSite = components["schemas"]["NewSite"];

export interface SiteDraft {
  readonly title: string;
  readonly welcome: string;
  readonly citations: boolean;
  readonly origins: readonly string[];
  /** As typed. */
  readonly visitor_per_minute: string;
  readonly address_per_minute: string;
  readonly page_per_minute: string;
  /** The last day it can be seen, "2026-12-31" in the reader's time; "" for no end. */
  readonly lastDay: string;
}

export const LIMITS = { visitor_per_minute: 1_000, address_per_minute: 10_000, page_per_minute: 100_000 } as const;
export type Limit = keyof typeof LIMITS;
export const LIMIT_NAMES = Object.keys(LIMITS) as readonly Limit[];

export function siteDraftOf(site: Site | null): SiteDraft {
  const settings = site?.settings;
  return {
    title: settings?.title ?? "",
    welcome: settings?.welcome ?? "",
    citations: settings?.citations ?? true,
    origins: settings?.origins ?? [],
    visitor_per_minute: String(settings?.visitor_per_minute ?? 10),
    address_per_minute: String(settings?.address_per_minute ?? 30),
    page_per_minute: String(settings?.page_per_minute ?? 120),
    lastDay: site?.expires_at == null ? "" : dayOf(site.expires_at - 1),
  };
}

/** What is saved; the page ends with its last day, by this browser's clock. */
export function siteOfDraft(draft: SiteDraft, isOn: boolean): NewSite {
  return {
    is_on: isOn,
    title: draft.title,
    welcome: draft.welcome,
    citations: draft.citations,
    origins: draft.origins.filter((line) => line.trim()).map((line) => originOf(line) ?? line),
    visitor_per_minute: Number(draft.visitor_per_minute),
    address_per_minute: Number(draft.address_per_minute),
    page_per_minute: Number(draft.page_per_minute),
    expires_at: draft.lastDay ? endOf(draft.lastDay) : null,
  };
}

export const isSame = (one: SiteDraft, other: SiteDraft): boolean =>
  JSON.stringify(siteOfDraft(one, true)) === JSON.stringify(siteOfDraft(other, true));

export type SiteProblem = Limit | "origins";

export function siteProblemsOf(draft: SiteDraft): readonly SiteProblem[] {
  const limits = LIMIT_NAMES.filter((name) => {
    const value = Number(draft[name]);
    return !(Number.isInteger(value) && value >= 1 && value <= LIMITS[name]);
  });
  const wrong = draft.origins.some((line) => line.trim() !== "" && originOf(line) === null);
  return wrong ? [...limits, "origins"] : limits;
}

/** The origin as browsers write it; null for what is none. The server checks it again. */
export function originOf(text: string): string | null {
  const typed = text.trim().toLowerCase().replace(/\/$/, "");
  if (!/^https?:\/\/[a-z0-9.-]+(:\d{1,5})?$/.test(typed)) return null;
  try {
    const { origin } = new URL(typed);
    return origin === "null" ? null : origin;
  } catch {
    return null;
  }
}

export const POSITIONS = ["right", "left"] as const;
export type Position = (typeof POSITIONS)[number];

export interface TagOptions {
  readonly position: Position;
  readonly language: "" | "ko" | "en";
  readonly open: boolean;
}

/** The one script tag; what is as usual is left out. */
export function tagOf(server: string, code: string, { position, language, open }: TagOptions): string {
  const data = [
    ` data-app="${code}"`,
    position === "left" ? ' data-position="left"' : "",
    language ? ` data-language="${language}"` : "",
    open ? ' data-open="true"' : "",
  ];
  return `<script src="${server}/embed.js"${data.join("")} async></script>`;
}

function dayOf(time: number): string {
  const date = new Date(time);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

function endOf(day: string): number {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + 1).getTime();
}
