/** A request as lines to paste into a terminal or a program. */

import type { Request } from "@/pages/models/ask";

export function curlOf(origin: string, request: Request): string {
  const body = JSON.stringify(request, null, 2).replaceAll("'", "'\\''");
  return [
    `curl ${origin}/v1/chat/completions \\`,
    '  -H "Authorization: Bearer $LLMFLOW_API_KEY" \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${body}'`,
  ].join("\n");
}

export function pythonOf(origin: string, request: Request): string {
  const fields = Object.entries(request).map(([name, value]) => `    ${name}=${literal(value, 1)},`);
  return [
    "import os",
    "",
    "from openai import OpenAI  # pip install openai",
    "",
    `client = OpenAI(base_url="${origin}/v1", api_key=os.environ["LLMFLOW_API_KEY"])`,
    "answer = client.chat.completions.create(",
    ...fields,
    ")",
    "print(answer.choices[0].message.content)",
  ].join("\n");
}

/** A JSON value as Python writes it. */
export function literal(value: unknown, depth = 0): string {
  const pad = "    ".repeat(depth + 1);
  const close = "    ".repeat(depth);
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (Array.isArray(value)) {
    return value.length === 0 ? "[]" : `[\n${value.map((one) => `${pad}${literal(one, depth + 1)},`).join("\n")}\n${close}]`;
  }
  if (typeof value === "object") {
    const entries = Object.entries(value);
    if (entries.length === 0) return "{}";
    return `{\n${entries.map(([key, one]) => `${pad}${JSON.stringify(key)}: ${literal(one, depth + 1)},`).join("\n")}\n${close}}`;
  }
  return JSON.stringify(value);
}
