import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { OUT, budget, compressed } from "./vite.plugins.ts";
import { words } from "./vite.words.ts";

const server = process.env.LLMFLOW_URL ?? "http://127.0.0.1:8700";

export default defineConfig({
  plugins: [
    react(),
    tailwindcss(),
    words(),
    compressed(),
    budget({ studio: 350, page: 275, form: 275 }),
  ],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600, // the budget above counts what matters
    rolldownOptions: { input: ["index.html", "page.html", "form.html"] },
  },
  server: { port: 8701, proxy: { "/api": { target: server }, "/healthz": { target: server } } },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { settings: { disableIframePageLoading: true } } }, // no test asks the network
    include: ["tests/**/*.test.{ts,tsx}"],
    restoreMocks: true,
  },
});
