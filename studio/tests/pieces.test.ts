import { expect, test } from "vitest";

import { piecesOf } from "@/pages/knowledge/passages/pieces";
import { wordsIn } from "@/pages/knowledge/passages/work";

test("a passage is cut between sentences, counted in characters and not in halves of them", () => {
  const pieces = piecesOf("연차는 15일입니다. 😀 병가는 다릅니다.\n출장은 따로 봅니다.", "text", "ko");
  expect(pieces.map(({ text }) => text).join("")).toBe("연차는 15일입니다. 😀 병가는 다릅니다.\n출장은 따로 봅니다.");
  expect(pieces.length).toBeGreaterThanOrEqual(3);
  const last = pieces[pieces.length - 1];
  expect([..."연차는 15일입니다. 😀 병가는 다릅니다.\n"].length).toBe(last?.at);
});

test("a table is cut between rows; its first row stays with the header", () => {
  const table = "| 항목 | 날 |\n|---|---|\n| 연차 | 15 |\n| 병가 | 30 |\n";
  expect(piecesOf(table, "table", "ko").map(({ at }) => at)).toEqual([0, table.indexOf("| 병가")]);
});

test("one long sentence is cut between words", () => {
  expect(piecesOf("하나 둘 셋", "text", "ko").map(({ text }) => text)).toEqual(["하나 ", "둘 ", "셋"]);
});

test("keywords are what stands between commas, once each", () => {
  expect(wordsIn(" 연차, 휴가 ,연차、leave ")).toEqual(["연차", "휴가", "leave"]);
});
