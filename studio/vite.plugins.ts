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
      /** The chunk of a part's words, in the language that needs more. */
      const said = (part: string) => {
        const both = chunks.filter((one) => one.facadeModuleId?.endsWith(`.json?of=${part}`)).map((one) => one.fileName);
        for (const name of both) reach(name, new Set());
        return both.sort((one, other) => (sizes.get(other) ?? 0) - (sizes.get(one) ?? 0)).slice(0, 1);
      };
      const weight = (names: Set<string>) => [...names].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
      const entry = (name: string) => chunks.find((one) => one.isEntry && one.name === name);
      const ahead = chunks.filter((one) => one.name === "RichText"); // a chat fetches it while it opens
      const [studio, page, form] = [entry("index"), entry("page"), entry("form")];
      if (!studio || !page || !form) return;
      const loads = chunks.flatMap((one) => {
        const room = /\/src\/pages\/(\w+)\//.exec(one.facadeModuleId ?? "")?.[1];
        if (!room) return [];
        const names = reach(studio.fileName, reach(one.fileName, new Set([...said("studio"), ...said(room)])));
        if (one.name === "Chat") for (const more of ahead) reach(more.fileName, names);
        return [{ page: one.name, size: weight(names) }];
      });
      const largest = loads.sort((one, other) => other.size - one.size)[0];
      if (!largest) return;
      const frame = weight(reach(studio.fileName, new Set(said("studio"))));
      const visitor = reach(page.fileName, new Set(said("page")));
      const asked = reach(form.fileName, new Set(said("form")));
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
