import { readFileSync, readdirSync } from "node:fs";

import { expect, test } from "vitest";

import en from "@/i18n/en.json";
import { cut } from "../vite.words.ts";

const parts = cut(Object.keys(en));

test("a room waits for the words it says, and for none of other rooms", () => {
  expect(parts.get("studio")).toEqual(expect.arrayContaining(["nav", "frame", "errors", "common", "form"]));
  expect(parts.get("knowledge")).toEqual(expect.arrayContaining(["knowledge", "retrieval", "stage"]));
  expect(parts.get("chat")).not.toContain("spend");
  for (const part of ["studio", "page", "form"]) expect(parts.get(part)).not.toContain("settings");
  expect(parts.get("page")).toEqual(expect.arrayContaining(["chat", "errors"]));
});

test("what the frame says is fetched once", () => {
  for (const room of readdirSync("src/pages")) {
    expect(parts.get(room)?.filter((key) => parts.get("studio")?.includes(key))).toEqual([]);
  }
});

test("each word is in some part, and each part has its name among the types", () => {
  expect(new Set([...parts.values()].flat())).toEqual(new Set(Object.keys(en)));
  const named = [...readFileSync("src/i18n/words.d.ts", "utf8").matchAll(/^ +\| "(\w+)"/gm)].map((found) => found[1]);
  expect(named.sort()).toEqual([...parts.keys()].sort());
});
