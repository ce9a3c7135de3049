/** Both languages, bundled: a page never waits for its words. Keys are typed, so a missing one does not compile. */

import i18next from "i18next";
import { initReactI18next } from "react-i18next";

import en from "@/i18n/en.json";
import ko from "@/i18n/ko.json";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: { translation: typeof en };
    returnNull: false;
  }
}

export const i18n = i18next.createInstance();

void i18n.use(initReactI18next).init({
  resources: { en: { translation: en }, ko: { translation: ko } },
  lng: "en",
  fallbackLng: "en",
  interpolation: { escapeValue: false }, // React escapes
  initAsync: false,
  showSupportNotice: false,
});
