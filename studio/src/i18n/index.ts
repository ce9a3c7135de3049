/** Words come before what says them: the reader's language alone, and of it what an entry or a room says. The build finds out
    from the source what that is. Keys are typed, so a missing one does not compile. */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import parts, { type Part } from "virtual:words";

import type en from "@/i18n/en.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
    returnNull: false;
  }
}

type Language = "en" | "ko";

export const i18n = i18next.createInstance();

void i18n.use(initReactI18next).init({
  resources: {},
  lng: "en",
  fallbackLng: false,
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
  showSupportNotice: false,
  saveMissing: true,
  missingKeyHandler: (_languages, _namespace, key: string) => console.error(`No words for ${key}`),
});

const said = new Set<Part>();
let language: Language = "en";

async function fetchWords(part: Part, of: Language): Promise<void> {
  const { default: words } = await parts[part][of]();
  i18n.addResourceBundle(of, "translation", words, true);
}

/** Fetches what a part says; it is shown after that. */
export async function learn(part: Part): Promise<void> {
  said.add(part);
  const spoken = i18n.language as Language; // another one than `language` while that one is being fetched
  await Promise.all([...new Set([spoken, language])].map((one) => fetchWords(part, one)));
}

/** Says everything in this language, as soon as its words have come; false: another one was chosen meanwhile. */
export async function speak(next: Language): Promise<boolean> {
  language = next;
  await Promise.all([...said].map((part) => fetchWords(part, next)));
  if (language !== next) return false;
  if (i18n.language !== next) await i18n.changeLanguage(next);
  return true;
}
