/** Finds out which words each part of Studio says, and cuts them out of both languages. */

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import type { Plugin } from "vite";

const SRC = join(import.meta.dirname, "src");
const PARTS = "virtual:words";
const LANGUAGES = ["en", "ko"];

/** The entries, by the name of their words. Studio's own part is its frame: its rooms come later. */
const ENTRIES: Readonly<Record<string, string>> = { studio: "main.tsx", page: "page/main.tsx", form: "form/main.tsx" };

const fileOf = (name: string) =>
  [`${name}.tsx`, `${name}.ts`, `${name}/index.ts`].map((one) => join(SRC, one)).find((one) => existsSync(one));

/** The first parts of all keys that a file and what it imports name; what it imports later is of a room of its own. */
function named(file: string, later: boolean, seen: Set<string>, found: Set<string>): Set<string> {
  if (seen.has(file)) return found;
  seen.add(file);
  const source = readFileSync(file, "utf8");
  for (const [, key = ""] of source.matchAll(/["'`](\w+)\.[\w$]/g)) found.add(key);
  for (const [, dynamic, name = ""] of source.matchAll(/(?:from|import|(import\())\s*"@\/([^"]+)"/g)) {
    const next = dynamic && !later ? undefined : fileOf(name);
    if (next) named(next, later, seen, found);
  }
  return found;
}

/** Which of the words' keys each part has. */
export function cut(keys: readonly string[]): Map<string, string[]> {
  const kept = new Map<string, string[]>();
  const own = (files: readonly string[], later: boolean, without: readonly string[]) => {
    const found = new Set<string>();
    const seen = new Set<string>();
    for (const file of files) named(file, later, seen, found);
    return keys.filter((key) => found.has(key) && !without.includes(key));
  };
  for (const [part, main] of Object.entries(ENTRIES)) kept.set(part, own([join(SRC, main)], part !== "studio", []));
  for (const room of readdirSync(join(SRC, "pages"))) {
    const files = readdirSync(join(SRC, "pages", room), { recursive: true, encoding: "utf8" });
    const pages = files.filter((name) => /\.tsx?$/.test(name)).map((name) => join(SRC, "pages", room, name));
    kept.set(room, own(pages, true, kept.get("studio") ?? []));
  }
  return kept;
}

/** `virtual:words` fetches a part's words in one language; a page is shown after its room's (`room` of the router). */
export function words(): Plugin {
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  let kept = new Map<string, string[]>();
  return {
    name: "words",
    buildStart() {
      kept = cut(Object.keys(read(join(SRC, "i18n/en.json"))));
    },
    resolveId: (id) => (id === PARTS ? `\0${PARTS}` : null),
    load(id) {
      if (id === `\0${PARTS}`) {
        const fetched = (part: string, language: string) =>
          `${language}: () => import(${JSON.stringify(`${join(SRC, "i18n", language)}.json?of=${part}`)})`;
        const parts = [...kept.keys()].map((part) => `${part}: { ${LANGUAGES.map((one) => fetched(part, one)).join(", ")} }`);
        return `export default { ${parts.join(", ")} }`;
      }
      const [file = "", part = ""] = id.split("?of=");
      const keys = kept.get(part);
      if (!keys) return null;
      const own = Object.fromEntries(Object.entries(read(file)).filter(([key]) => keys.includes(key)));
      return { code: `export default ${JSON.stringify(own)}`, moduleType: "js" };
    },
  };
}
