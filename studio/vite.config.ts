import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { type Plugin, defineConfig } from "vitest/config";

const out = "../src/llmflow/api/static";
const server = process.env.LLMFLOW_URL ?? "http://127.0.0.1:8700";

/** Writes name.br and name.gz beside each text file, so that the server compresses nothing while it serves. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    writeBundle({ dir }) {
      const root = dir ?? out;
      for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || ![".js", ".css", ".html", ".svg"].includes(extname(entry.name))) continue;
        const path = join(entry.parentPath, entry.name);
        const content = readFileSync(path);
        if (content.length < 1024) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }));
      }
    },
  };
}

/** Fails the build when a first load, whatever page it opens, needs more script than the budget. */
function budget(kilobytes: number): Plugin {
  return {
    name: "budget",
    apply: "build",
    generateBundle(_, bundle) {
      const sizes = new Map<string, number>();
      const reach = (name: string, seen: Set<string>): Set<string> => {
        const chunk = bundle[name];
        if (chunk?.type !== "chunk" || seen.has(name)) return seen;
        seen.add(name);
        if (!sizes.has(name)) sizes.set(name, gzipSync(chunk.code, { level: 9 }).length / 1000);
        for (const next of chunk.imports) reach(next, seen);
        return seen;
      };
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const entry = chunks.find((one) => one.isEntry);
      if (!entry) return;
      const pages = chunks.filter((one) => one.facadeModuleId?.includes("/src/pages/"));
      const ahead = chunks.filter((one) => one.name === "RichText"); // the chat fetches it while it opens
      const loads = pages.map((page) => {
        const names = reach(entry.fileName, reach(page.fileName, new Set()));
        if (page.name === "Chat") for (const one of ahead) reach(one.fileName, names);
        return { page: page.name, size: [...names].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0) };
      });
      const most = loads.sort((one, other) => other.size - one.size)[0];
      const frame = [...reach(entry.fileName, new Set())].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
      if (!most) return;
      const told = `script, gzip: frame ${frame.toFixed(0)} kB, most with its page ${most.size.toFixed(0)} kB (${most.page})`;
      if (most.size > kilobytes) this.error(`${told}; the budget is ${kilobytes} kB`);
      console.log(told);
    },
  };
}

export default defineConfig({
  plugins: [react(), tailwindcss(), compressed(), budget(350)],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: out,
    emptyOutDir: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600, // the budget above counts what matters
  },
  server: { port: 8701, proxy: { "/api": { target: server }, "/healthz": { target: server } } },
  test: { environment: "happy-dom", include: ["tests/**/*.test.{ts,tsx}"], restoreMocks: true },
});
