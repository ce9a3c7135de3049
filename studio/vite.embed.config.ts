/** Builds embed.js beside Studio: one classic script under a name that never changes, with nothing to load. */

import { defineConfig } from "vite";

import { OUT, compressed } from "./vite.plugins.ts";

export default defineConfig({
  plugins: [compressed()],
  publicDir: false,
  build: {
    outDir: OUT,
    emptyOutDir: false,
    target: ["chrome123", "firefox120", "safari17.5"],
    reportCompressedSize: false,
    lib: { entry: "src/embed/index.ts", formats: ["iife"], name: "_", fileName: () => "embed.js" },
  },
});
