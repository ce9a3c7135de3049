/** What an error says in the reader's language: what happened, what to do, and the server's own words as detail. */

import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";

import { asApiError } from "@/api/errors";
import { i18n } from "@/i18n";

export interface ErrorText {
  readonly message: string;
  readonly hint: string;
  /** In the server's words, which are English; "" where they add nothing. */
  readonly detail: string;
}

/** Their words are general; the server's own hint is about the case at hand, for readers of its language. */
const GENERAL: readonly string[] = ["invalid_request", "conflict", "forbidden", "organ_unavailable", "model_failed"];

type Code = "not_found"; // stands for any code that has words

const hasWords = (code: string): code is Code => i18n.exists(`errors.${code}.message`);

export function errorText(t: TFunction, language: string, error: unknown): ErrorText {
  const { code, message, hint } = asApiError(error);
  if (!hasWords(code)) return { message: message || t("errors.unknown"), hint, detail: "" };
  const own = language === "en" && hint !== "" && GENERAL.includes(code);
  return { message: t(`errors.${code}.message`), hint: own ? hint : t(`errors.${code}.hint`), detail: message };
}

/** The words of an error for a page that shows them elsewhere than in the error panel. */
export function useErrorText(): (error: unknown) => ErrorText {
  const { t, i18n } = useTranslation();
  return (error) => errorText(t, i18n.language, error);
}
