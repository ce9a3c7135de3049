/** Language and theme: kept in this browser, and with the account, so that another browser follows at its sign-in. What
    belongs to the size of a screen is kept in this browser alone. */

import { useSyncExternalStore } from "react";

import { api, body } from "@/api/client";
import { preferences, queryClient, session } from "@/api/queries";
import type { components } from "@/api/schema";
import { speak } from "@/i18n";

export const LANGUAGES = ["en", "ko"] as const;
export const THEMES = ["system", "light", "dark"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Theme = (typeof THEMES)[number];

interface Chosen {
  readonly language: Language;
  readonly theme: Theme;
}

interface Preferences extends Chosen {
  /** The column of conversations beside the chat. */
  readonly history: "shown" | "hidden";
}

const PLACE = "llmflow.preferences";
const listeners = new Set<() => void>();
let current: Preferences = read();

function read(): Preferences {
  let kept: Partial<Preferences> = {};
  try {
    kept = JSON.parse(localStorage.getItem(PLACE) ?? "{}") as Partial<Preferences>;
  } catch {
    // no storage or not ours: the browser's own wishes stand
  }
  const spoken = navigator.language.toLowerCase().startsWith("ko") ? "ko" : "en";
  return {
    language: LANGUAGES.find((one) => one === kept.language) ?? spoken,
    theme: THEMES.find((one) => one === kept.theme) ?? "system",
    history: kept.history === "hidden" ? "hidden" : "shown",
  };
}

/** Puts the preferences on the page; waited for before the first rendering, as the words come with it. */
export async function applyPreferences(): Promise<void> {
  const root = document.documentElement;
  const { language, theme } = current;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  if (await speak(language)) root.lang = language;
}

/** For this window only, unless its reader chooses otherwise. */
export function beginWith(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
}

/** Chosen by the reader: held here, and by the account where somebody is signed in. */
export function setPreferences(changes: Partial<Chosen>): void {
  become(changes);
  if (queryClient.getQueryData(session.queryKey)) void remember(changes).catch(() => undefined); // it holds here anyway
}

export const showHistory = (history: Preferences["history"]): void => become({ history });

type Remembered = components["schemas"]["Preferences"];

/** Keeps something with the account. */
export async function remember(changes: Remembered): Promise<void> {
  queryClient.setQueryData(preferences.queryKey, (before) => before && { ...before, ...changes });
  queryClient.setQueryData(preferences.queryKey, await body(api.PATCH("/session/preferences", { body: changes })));
}

/** After a sign-in: what the account chose in another browser holds here, too. */
export async function followAccount(): Promise<void> {
  try {
    const { language, theme } = await queryClient.fetchQuery({ ...preferences, staleTime: 0 });
    if (language || theme) become({ ...(language && { language }), ...(theme && { theme }) });
  } catch {
    // this browser's own choice stands
  }
}

function become(changes: Partial<Preferences>): void {
  current = { ...current, ...changes };
  try {
    localStorage.setItem(PLACE, JSON.stringify(current));
  } catch {
    // a browser without storage: it holds until the page is closed
  }
  applyPreferences().catch(() => window.location.reload()); // words of an older Studio: the new one has them
  for (const tell of listeners) tell();
}

export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => current,
  );
}
