/** What both builds share: Studio with the public page, and the script that embeds it. */

import { readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import type { Plugin } from "vite";

export const OUT = "../src/llmflow/api/static";

/** Writes name.br and name.gz beside each text file, so that the server compresses nothing while it serves. */
export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (![".js", ".css", ".html", ".svg"].includes(extname(name))) continue;
        const path = join(dir ?? OUT, name);
        const content = readFileSync(path);
        if (content.length < 1024) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
      }
    },
  };
}

/** Cuts the words of an entry's rooms out of both languages (`en.json?only=page`), and fails the build when what the entry
    loads uses words of others. */
export function words(rooms: Readonly<Record<string, readonly string[]>>): Plugin {
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  return {
    name: "words",
    load(id) {
      const [file = "", only = ""] = id.split("?only=");
      const kept = rooms[only];
      if (!kept) return null;
      const own = Object.fromEntries(Object.entries(read(file)).filter(([room]) => kept.includes(room)));
      return { code: `export default ${JSON.stringify(own)}`, moduleType: "js" };
    },
    generateBundle() {
      const all = Object.keys(read(join(import.meta.dirname, "src/i18n/en.json")));
      for (const [entry, kept] of Object.entries(rooms)) {
        const used = new Map<string, string>();
        const seen = new Set<string>();
        const look = (id: string) => {
          if (seen.has(id)) return;
          seen.add(id);
          const about = this.getModuleInfo(id);
          for (const next of [...(about?.importedIds ?? []), ...(about?.dynamicallyImportedIds ?? [])]) look(next);
          if (!id.includes("/src/") || id.includes("/src/i18n/")) return;
          for (const [, room = ""] of (about?.code ?? "").matchAll(/["'`](\w+)\.[\w$]/g)) used.set(room, id);
        };
        look(join(import.meta.dirname, `src/${entry}/main.tsx`));
        for (const room of all) {
          const where = used.get(room);
          if (where && !kept.includes(room)) this.error(`${entry}: ${where} uses the words of \`${room}\``);
        }
      }
    },
  };
}

interface Budgets {
  /** kB of gzip of any first load of Studio. */
  studio: number;
  /** The same of the public page, its renderer of answers counted in. */
  page: number;
  /** The same of a form by its link. */
  form: number;
}

/** Fails the build when a first load, whatever page it opens, needs more script than its budget. */
export function budget(most: Budgets): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const sizes = new Map<string, number>();
      const reach = (name: string, seen: Set<string>): Set<string> => {
        const chunk = bundle[name];
        if (chunk?.type !== "chunk" || seen.has(name)) return seen;
        seen.add(name);
        if (!sizes.has(name)) sizes.set(name, gzipSync(chunk.code, { level: 9 }).length / 1000);
        for (const next of chunk.imports) reach(next, seen);
        return seen;
      };
      const weight = (names: Set<string>) => [...names].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
      const entry = (name: string) => chunks.find((one) => one.isEntry && one.name === name);
      const ahead = chunks.filter((one) => one.name === "RichText"); // a chat fetches it while it opens
      const [studio, page, form] = [entry("index"), entry("page"), entry("form")];
      if (!studio || !page || !form) return;
      const pages = chunks.filter((one) => one.facadeModuleId?.includes("/src/pages/"));
      const loads = pages.map((one) => {
        const names = reach(studio.fileName, reach(one.fileName, new Set()));
        if (one.name === "Chat") for (const more of ahead) reach(more.fileName, names);
        return { page: one.name, size: weight(names) };
      });
      const largest = loads.sort((one, other) => other.size - one.size)[0];
      if (!largest) return;
      const frame = weight(reach(studio.fileName, new Set()));
      const visitor = reach(page.fileName, new Set());
      const asked = reach(form.fileName, new Set());
      for (const more of ahead) for (const seen of [visitor, asked]) reach(more.fileName, seen);
      const told =
        `script, gzip: frame ${frame.toFixed(0)} kB, most with its page ${largest.size.toFixed(0)} kB (${largest.page}), ` +
        `public page ${weight(visitor).toFixed(0)} kB, form ${weight(asked).toFixed(0)} kB`;
      if (largest.size > most.studio || weight(visitor) > most.page || weight(asked) > most.form) {
        this.error(`${told}; the budgets are ${most.studio}, ${most.page} and ${most.form} kB`);
      }
      console.log(told);
    },
  };
}
