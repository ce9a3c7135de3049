/** A tool's parameters as fields of a form. What is typed is sent as text; the server makes of it what the schema asks. */

import type { ToolShown } from "@/api/client";

export type FieldKind = "text" | "number" | "choice" | "json";

export interface ToolField {
  readonly name: string;
  readonly kind: FieldKind;
  readonly label: string;
  readonly hint: string;
  readonly required: boolean;
  readonly choices: readonly string[];
  readonly initial: string;
}

type Schema = Record<string, unknown>;

const isObject = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);

function typeOf(schema: Schema): string {
  const { type } = schema;
  return typeof type === "string" ? type : Array.isArray(type) ? String(type.find((one) => one !== "null") ?? "") : "";
}

function kindOf(schema: Schema): FieldKind {
  if (Array.isArray(schema.enum) || typeOf(schema) === "boolean") return "choice";
  const type = typeOf(schema);
  if (type === "integer" || type === "number") return "number";
  return type === "string" ? "text" : "json";
}

const written = (value: unknown): string => (typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value));

/** The required ones first, each group in the schema's order. */
export function fieldsOf(tool: ToolShown, language: "en" | "ko"): ToolField[] {
  const { properties, required } = tool.parameters;
  const needed = new Set(Array.isArray(required) ? required.map(String) : []);
  return Object.entries(isObject(properties) ? properties : {})
    .map(([name, value]) => {
      const schema = isObject(value) ? value : {};
      const words = tool.fields[name]?.[language];
      return {
        name,
        kind: kindOf(schema),
        label: words?.label || name,
        hint: words?.help || (typeof schema.description === "string" ? schema.description : ""),
        required: needed.has(name),
        choices: Array.isArray(schema.enum) ? schema.enum.map(String) : ["true", "false"],
        initial: written(schema.default),
      };
    })
    .sort((one, other) => Number(other.required) - Number(one.required));
}

/** What is sent: fields left empty are left out. */
export const argumentsOf = (values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ""));

/** A tool's place among the others: unlike its name, nobody else has it. */
export const keyOf = (tool: ToolShown): string => `${tool.provider_type}/${tool.provider_id}/${tool.tool_name}`;
