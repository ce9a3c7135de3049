import { readFileSync } from "node:fs";

import { expect, test } from "vitest";

const css = readFileSync("src/tokens.css", "utf8");
const THEMES = ["light", "dark"] as const;

const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)].map(
    ([, name = "", light = "", dark = ""]) => [name, { light, dark }] as const,
  ),
);

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string, theme: "light" | "dark"): number {
  const [a = 0, b = 0] = [one, other].map((name) => luminance(colours.get(name)?.[theme] ?? "")).sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
}

const GROUNDS = ["canvas", "surface", "raised", "sunken"];
const TEXT: [string, string][] = [
  ...["ink", "muted", "faint", "accent-ink", "good", "warn", "bad", "info"].flatMap((text) =>
    GROUNDS.map((ground): [string, string] => [text, ground]),
  ),
  ...["ink", "muted"].flatMap((text) =>
    ["hover", "accent-soft", "bad-soft", "warn-soft"].map((ground): [string, string] => [text, ground]),
  ),
  ...["good", "warn", "bad", "info"].map((name): [string, string] => [name, `${name}-soft`]),
  ["accent-ink", "accent-soft"],
  ["on-accent", "accent"],
  ["on-accent", "accent-strong"],
  ["on-bad", "bad-fill"],
];

test.each(THEMES)("every text colour reads at 4.5:1 on its grounds, %s", (theme) => {
  expect(TEXT.filter(([text, ground]) => contrast(text, ground, theme) < 4.5)).toEqual([]);
});

test.each(THEMES)("controls, focus and bars stand out at 3:1, %s", (theme) => {
  const lines = ["control", "accent", "dense", "keyword", "fused", "s1", "s2", "s3", "s4", "s5", "s6", "rest"].map((name) => [name, "surface"] as const);
  expect(lines.filter(([line, ground]) => contrast(line, ground, theme) < 3)).toEqual([]);
});

test("the gallery shows every colour", () => {
  const gallery = readFileSync("src/pages/gallery/Gallery.tsx", "utf8");
  expect([...colours.keys()].filter((name) => !gallery.includes(`"${name}"`))).toEqual([]);
});

test.each(THEMES)("neighbours in a chart differ in lightness, %s", (theme) => {
  const tones = ["s1", "s2", "s3", "s4", "s5", "s6"];
  expect(tones.slice(1).filter((tone, index) => contrast(tone, tones[index] ?? "", theme) < 1.4)).toEqual([]);
});
