import { expect, test } from "vitest";

import type { News } from "@/api/documents";
import type { Passage } from "@/api/client";
import { secondsLeft } from "@/pages/knowledge/Flow";
import { boxesOn, litLines } from "@/pages/knowledge/lit";
import { blocksOf } from "@/pages/knowledge/reading";
import { rangesOf } from "@/pages/knowledge/terms";

const WORDS: [string, number, number, number, number][] = [
  ["연차는", 10, 10, 40, 20],
  ["15일입니다.", 45, 10, 90, 20],
  ["연차", 10, 30, 30, 40],
  ["휴가는", 35, 30, 60, 40],
  ["남으면", 65, 30, 95, 40],
  ["넘깁니다.", 10, 45, 50, 55],
  ["연차는", 10, 200, 40, 210],
  ["15일입니다.", 45, 200, 90, 210],
];

test("a quoted sentence is lit line by line, whatever spaces and marks the page has", () => {
  expect(litLines(WORDS, "연차 휴가는 남으면  넘깁니다", [])).toEqual([
    { x0: 10, top: 30, x1: 95, bottom: 40 },
    { x0: 10, top: 45, x1: 50, bottom: 55 },
  ]);
});

test("the same words elsewhere on the page stay dark", () => {
  const within = [{ x0: 0, top: 190, x1: 100, bottom: 220 }];
  expect(litLines(WORDS, "연차는 15일입니다.", within)).toEqual([{ x0: 10, top: 200, x1: 90, bottom: 210 }]);
});

test("a row of a table is found by its cells", () => {
  const lit = litLines(WORDS, "| 연차는 | 휴가는 |\n| --- | --- |", []);
  expect(lit).toEqual([
    { x0: 10, top: 10, x1: 40, bottom: 20 },
    { x0: 35, top: 30, x1: 60, bottom: 40 },
  ]);
});

test("words that are not on the page light nothing", () => {
  expect(litLines(WORDS, "출장비", [])).toEqual([]);
  expect(litLines([], "연차", [])).toEqual([]);
});

test("only the boxes of the page that is looked at are drawn", () => {
  expect(boxesOn([[1, 1, 2, 3, 4], [2, 5, 6, 7, 8]], 2)).toEqual([{ x0: 5, top: 6, x1: 7, bottom: 8 }]);
});

const passage = (ordinal: number, heading_path: string[], text: string, kind = "text"): Passage => ({
  id: String(ordinal),
  knowledge_id: "k",
  document_id: "d",
  ordinal,
  text,
  tokens: 1,
  page: null,
  page_end: null,
  heading_path,
  kind,
  boxes: [],
  hit_count: 0,
  parent_id: null,
  answer: null,
  keywords: [],
  enabled: true,
  made: "cut",
  edited_at: null,
});

test("passages read as one text: headings once, shared sentences once", () => {
  const blocks = blocksOf([
    passage(0, ["규정", "휴가"], "연차는 15일입니다. 남으면 넘깁니다."),
    passage(1, ["규정", "휴가"], "남으면 넘깁니다. 병가는 따로 있습니다."),
    passage(2, ["규정", "출장"], "출장비를 정산합니다."),
  ]);
  expect(blocks.map(({ text }) => text)).toEqual([
    "연차는 15일입니다. 남으면 넘깁니다.",
    "병가는 따로 있습니다.",
    "출장비를 정산합니다.",
  ]);
  expect(blocks.map(({ headings }) => headings.map(({ level, text }) => `${level} ${text}`))).toEqual([
    ["1 규정", "2 휴가"],
    [],
    ["2 출장"],
  ]);
});

test("terms are found in Korean anywhere and in English at the beginning of a word", () => {
  expect(rangesOf("연차휴가와 Holidays; unholy", ["휴가", "holiday"])).toEqual([
    [2, 4],
    [6, 14],
  ]);
  expect(rangesOf("(a+b", ["(a+b"])).toEqual([[0, 4]]);
});

test("a time is promised only after enough was seen", () => {
  const news = (recent: number): News => ({
    flow: { counts: {}, left_bytes: 600, recent, recent_bytes: 300, recent_s: 60, passages_per_s: 0 },
    reading: [],
    anew: null,
  });
  expect(secondsLeft(news(2))).toBeNull();
  expect(secondsLeft(news(3))).toBe(120);
});
