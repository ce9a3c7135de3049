/** Words, bundled: a page never waits for them. Keys are typed, so a missing one does not compile. Each entry says with
    `speak` which words it has; the build fails where an entry uses others. */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import type en from "@/i18n/en.json";

type Words = typeof en;

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: Words };
    returnNull: false;
  }
}

export const i18n = i18next.createInstance();

/** Once, before anything is shown. Partial words are those of the rooms that the entry has. */
export function speak(words: Readonly<Record<"en" | "ko", Partial<Words>>>): void {
  void i18n.use(initReactI18next).init({
    resources: { en: { translation: words.en }, ko: { translation: words.ko } },
    lng: "en",
    fallbackLng: "en",
    interpolation: { escapeValue: false }, // React escapes
    initAsync: false,
    showSupportNotice: false,
  });
}
