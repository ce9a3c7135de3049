/** What a form asks, and its text taken apart at the places of its fields. */

export interface FormInput {
  readonly type: "paragraph" | "select" | "file" | "file-list";
  readonly output_variable_name: string;
  readonly default?: { readonly type: string; readonly value: string } | null;
  readonly option_source?: { readonly value: readonly string[] };
  readonly allowed_file_types?: readonly string[];
  readonly allowed_file_extensions?: readonly string[];
  readonly number_limits?: number;
}

export interface FormAction {
  readonly id: string;
  readonly title: string;
  readonly button_style: string;
}

/** `content`: Markdown with {{#$output.NAME#}} where a field belongs. */
export interface Asked {
  readonly content: string;
  readonly inputs: readonly FormInput[];
  readonly actions: readonly FormAction[];
  readonly defaults: Readonly<Record<string, unknown>>;
}

export type Part = { readonly text: string } | { readonly input: FormInput };

const PLACE = /\{\{#\$output\.([A-Za-z_][A-Za-z0-9_]{0,29})#\}\}/g;

/** Text and fields, in order: each field once, those without a place at the end. */
export function partsOf(content: string, inputs: readonly FormInput[]): Part[] {
  const left = new Map(inputs.map((input) => [input.output_variable_name, input]));
  const parts: Part[] = [];
  let end = 0;
  const say = (text: string) => {
    if (text.trim()) parts.push({ text });
  };
  for (const found of content.matchAll(PLACE)) {
    const name = found[1] ?? "";
    const input = left.get(name);
    if (!input) continue;
    say(content.slice(end, found.index));
    parts.push({ input });
    left.delete(name);
    end = found.index + found[0].length;
  }
  say(content.slice(end));
  for (const input of left.values()) parts.push({ input });
  return parts;
}

/** What a field says before anybody wrote in it. */
export function beginning(input: FormInput, defaults: Asked["defaults"]): string {
  const resolved = defaults[input.output_variable_name];
  if (resolved !== undefined && resolved !== null) return typeof resolved === "string" ? resolved : JSON.stringify(resolved);
  return input.default?.type === "constant" ? input.default.value : "";
}

/** The label of a field: its name, as words. */
export const labelOf = (input: FormInput): string => input.output_variable_name.replaceAll("_", " ").trim();

const KINDS: Record<string, string> = { image: "image/*", audio: "audio/*", video: "video/*" };

/** For a file dialog; "" takes all. Documents have too many kinds to name. */
export function acceptOf(input: FormInput): string {
  const types = input.allowed_file_types ?? [];
  if (types.length === 0 || types.includes("document")) return "";
  const own = types.includes("custom") ? (input.allowed_file_extensions ?? []).map((one) => (one.startsWith(".") ? one : `.${one}`)) : [];
  return [...types.flatMap((type) => KINDS[type] ?? []), ...own].join(",");
}

/** Dify's word for a file, by what its bytes are said to be. */
export function kindOf(mediaType: string): string {
  const [kind] = mediaType.split("/");
  return kind && kind in KINDS ? kind : "document";
}
