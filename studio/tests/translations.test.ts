import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { expect, test } from "vitest";

import en from "@/i18n/en.json";
import ko from "@/i18n/ko.json";

type Tree = { [key: string]: string | Tree };

const flat = (tree: Tree, before = ""): Map<string, string> =>
  new Map(
    Object.entries(tree).flatMap(([key, value]) =>
      typeof value === "string" ? [[before + key, value] as const] : [...flat(value, `${before}${key}.`)],
    ),
  );

const english = flat(en);
const korean = flat(ko);
const source = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => readFileSync(join("src", name), "utf8"))
  .join("\n");

test("both languages have the same keys, none of them empty", () => {
  expect([...korean.keys()]).toEqual([...english.keys()]);
  expect([...english, ...korean].filter(([, text]) => text.trim() === "")).toEqual([]);
});

test("a translation fills in what the other one fills in", () => {
  const blanks = (text: string) => [...text.matchAll(/\{\{(\w+)[^}]*\}\}/g)].map((found) => found[1]).sort();
  for (const [key, text] of english) expect([key, blanks(korean.get(key) ?? "")]).toEqual([key, blanks(text)]);
});

test("Korean is Korean: what has no Hangul is a name or a format", () => {
  const allowed = ["language.en", "appApi.sample.curl", "appApi.sample.python", "appApi.sample.openai", "appApi.sample.javascript", "pages.shown", "home.version", "settings.milliseconds_one", "settings.milliseconds_other", "evaluation.ndcg_at_10", "evaluation.mrr_at_10"];
  const without = [...korean].filter(([, text]) => !/[가-힣]/.test(text)).map(([key]) => key);
  expect(without.filter((key) => !allowed.includes(key))).toEqual([]);
});

test("every key that is named in the source exists", () => {
  const named = [...source.matchAll(/\bt\(\s*"([\w.]+)"/g)].map((found) => found[1] ?? "");
  const missing = named.filter((key) => !english.has(key) && !(english.has(`${key}_one`) && english.has(`${key}_other`)));
  expect(named.length).toBeGreaterThan(100);
  expect(missing).toEqual([]);
});

test("no key is left that nobody uses", () => {
  const named = new Set([...source.matchAll(/"([\w.]+)"/g)].map((found) => found[1] ?? ""));
  const stems = new Set([...source.matchAll(/`([\w.]+\.)\$\{/g)].map((found) => found[1] ?? ""));
  const used = (key: string) => {
    const plain = key.replace(/_(one|other)$/, "");
    const stem = plain.slice(0, plain.lastIndexOf(".") + 1);
    const asError = key.startsWith("errors.") && source.includes("`errors.${code}.");
    return named.has(plain) || stems.has(stem) || asError;
  };
  expect([...english.keys()].filter((key) => !used(key))).toEqual([]);
});
