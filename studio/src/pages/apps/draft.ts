/** An app as it stands in the form: what differs from the app, and what keeps it from being saved. */

import type { App } from "@/api/client";
import type { components } from "@/api/schema";

export type Changes = components["schemas"]["ChangedApp"];
export type AnswerLanguage = NonNullable<Changes["language"]>;

export interface AppDraft {
  readonly name: string;
  readonly description: string;
  readonly icon: string;
  readonly icon_background: string;
  readonly knowledge: readonly string[];
  readonly model: string;
  readonly instruction: string;
  readonly opening_statement: string;
  readonly suggested_questions: readonly string[];
  readonly suggested_questions_after_answer: boolean;
  readonly retriever_resource: boolean;
  /** As typed; "" leaves it to the settings. */
  readonly top_k: string;
  readonly language: AnswerLanguage;
}

export const MOST_QUESTIONS = 20;

const languageOf = (text: string): AnswerLanguage => (text === "ko" || text === "en" ? text : "");

export function draftOf({ name, description, config }: App): AppDraft {
  return {
    name,
    description,
    icon: config.icon,
    icon_background: config.icon_background,
    knowledge: config.knowledge,
    model: config.model,
    instruction: config.instruction,
    opening_statement: config.opening_statement,
    suggested_questions: config.suggested_questions,
    suggested_questions_after_answer: config.suggested_questions_after_answer,
    retriever_resource: config.retriever_resource,
    top_k: config.top_k === null ? "" : String(config.top_k),
    language: languageOf(config.language),
  };
}

/** Only what was changed, as the console takes it. Empty questions are left out. */
export function changesOf(app: App, draft: AppDraft): Changes {
  const before = sent(draftOf(app));
  const after = sent(draft);
  const changed = Object.entries(after).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key as keyof typeof before]),
  );
  return Object.fromEntries(changed) as Changes;
}

function sent(draft: AppDraft) {
  return {
    ...draft,
    name: draft.name.trim(),
    knowledge: [...draft.knowledge],
    suggested_questions: draft.suggested_questions.map((question) => question.trim()).filter(Boolean),
    top_k: draft.top_k.trim() === "" ? 0 : Number(draft.top_k),
  };
}

export type Problem = "name" | "icon" | "top_k";

/** The fields that cannot be saved as they are. */
export function problemsOf(draft: AppDraft): readonly Problem[] {
  const top_k = Number(draft.top_k);
  const found: [Problem, boolean][] = [
    ["name", draft.name.trim() === "" || draft.name.includes("/")],
    ["icon", draft.icon.trim() === ""],
    ["top_k", draft.top_k.trim() !== "" && !(Number.isInteger(top_k) && top_k >= 1 && top_k <= 100)],
  ];
  return found.filter(([, wrong]) => wrong).map(([field]) => field);
}
