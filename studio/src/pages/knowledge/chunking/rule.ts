/** A rule of cutting as it is written in the form, and as the server takes it. */

import type { Rule } from "@/api/chunking";

export const METHODS = ["headings", "parent_child", "qa", "semantic", "sentence", "fixed"] as const;
export type Method = (typeof METHODS)[number];
export const CLEANINGS = ["remove_extra_spaces", "remove_urls_emails"] as const;
export type Cleaning = (typeof CLEANINGS)[number];

/** Fields left empty are as the server would have them. Sizes are tokens of the embedding model. */
export interface Draft {
  readonly method: Method;
  readonly maxTokens: string;
  readonly overlap: string;
  readonly separator: string;
  readonly clean: readonly Cleaning[];
  readonly percentile: string;
  readonly buffer: string;
  readonly parent: "paragraph" | "full-doc";
  readonly childTokens: string;
  readonly childSeparator: string;
  readonly model: string;
  readonly language: string;
  readonly question: string;
  readonly answer: string;
}

export const LEAST_TOKENS = 16;

/** Which fields a method has. */
const FIELDS: Record<Method, readonly (keyof Draft)[]> = {
  headings: ["maxTokens", "overlap"],
  sentence: ["maxTokens", "overlap"],
  fixed: ["separator", "maxTokens", "overlap"],
  semantic: ["percentile", "buffer", "maxTokens", "overlap"],
  parent_child: ["parent", "separator", "maxTokens", "childSeparator", "childTokens"],
  qa: ["model", "language", "separator", "maxTokens", "question", "answer"],
};

export function has({ method, parent }: Draft, field: keyof Draft): boolean {
  if (method === "parent_child" && parent === "full-doc" && (field === "separator" || field === "maxTokens")) return false;
  return FIELDS[method].includes(field);
}

const text = (value: unknown): string => (typeof value === "string" || typeof value === "number" ? String(value) : "");

/** Line ends and tabs as people write them. */
const shown = (separator: unknown): string => text(separator).replaceAll("\n", "\\n").replaceAll("\t", "\\t");

export function draftOf(rule: Rule): Draft {
  const child = (rule.child ?? {}) as Rule;
  const method = METHODS.find((one) => one === rule.method) ?? (rule.separator ? "fixed" : "headings");
  const kept = Array.isArray(rule.clean) ? rule.clean : [];
  return {
    method,
    maxTokens: text(rule.max_tokens),
    overlap: text(rule.overlap_tokens),
    separator: shown(rule.separator),
    clean: CLEANINGS.filter((one) => kept.includes(one)),
    percentile: text(rule.breakpoint_percentile),
    buffer: text(rule.buffer_sentences),
    parent: rule.parent === "full-doc" ? "full-doc" : "paragraph",
    childTokens: text(child.max_tokens),
    childSeparator: shown(child.separator),
    model: text(rule.model),
    language: text(rule.language),
    question: text(rule.question),
    answer: text(rule.answer),
  };
}

/** What the draft says of its method; what belongs to another one is left out. */
export function ruleOf(draft: Draft): Rule {
  const rule: Record<string, unknown> = {};
  const put = (into: Record<string, unknown>, name: string, field: keyof Draft) => {
    const value = draft[field] as string;
    if (has(draft, field) && value !== "") into[name] = value;
  };
  const number = (into: Record<string, unknown>, name: string, field: keyof Draft) => {
    const value = (draft[field] as string).trim();
    if (has(draft, field) && value !== "") into[name] = Number(value);
  };
  number(rule, "max_tokens", "maxTokens");
  number(rule, "overlap_tokens", "overlap");
  put(rule, "separator", "separator");
  number(rule, "breakpoint_percentile", "percentile");
  number(rule, "buffer_sentences", "buffer");
  put(rule, "model", "model");
  put(rule, "language", "language");
  put(rule, "question", "question");
  put(rule, "answer", "answer");
  if (has(draft, "parent") && draft.parent !== "paragraph") rule.parent = draft.parent;
  const child: Record<string, unknown> = {};
  number(child, "max_tokens", "childTokens");
  put(child, "separator", "childSeparator");
  if (Object.keys(child).length > 0) rule.child = child;
  if (draft.clean.length > 0) rule.clean = [...draft.clean];
  if (draft.method !== "headings" || Object.keys(rule).length > 0) rule.method = draft.method;
  return rule;
}

/** What is wrong with the sizes, by field; nothing: the server takes them. */
export function faultsOf(draft: Draft): Partial<Record<keyof Draft, "least" | "overlap" | "range">> {
  const faults: Partial<Record<keyof Draft, "least" | "overlap" | "range">> = {};
  const value = (field: keyof Draft) => (has(draft, field) && draft[field] !== "" ? Number(draft[field]) : null);
  for (const field of ["maxTokens", "childTokens"] as const) {
    const size = value(field);
    if (size !== null && !(Number.isInteger(size) && size >= LEAST_TOKENS)) faults[field] = "least";
  }
  const [most, shared] = [value("maxTokens"), value("overlap")];
  if (shared !== null && !(Number.isInteger(shared) && shared >= 0 && shared < (most ?? 1_000))) faults.overlap = "overlap";
  const percentile = value("percentile");
  if (percentile !== null && !(Number.isInteger(percentile) && percentile >= 50 && percentile <= 99)) faults.percentile = "range";
  const buffer = value("buffer");
  if (buffer !== null && !(Number.isInteger(buffer) && buffer >= 0 && buffer <= 5)) faults.buffer = "range";
  return faults;
}

/** Whether both cut alike. */
export const isSame = (one: Draft, other: Draft): boolean => canon(ruleOf(one)) === canon(ruleOf(other));

function canon(value: unknown): string {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return JSON.stringify(value);
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${entries.map(([name, each]) => `${JSON.stringify(name)}:${canon(each)}`).join(",")}}`;
}
