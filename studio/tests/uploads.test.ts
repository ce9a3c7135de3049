import { expect, test } from "vitest";

import { matches } from "@/frame/filter";
import { nameFor } from "@/frame/uploads";
import { formatAgo, formatBytes } from "@/i18n/format";
import { ownPath } from "@/router";

test("files of a folder keep their folders in the name, because a name replaces its namesake", () => {
  expect(["2025/규정.pdf", "2026/인사/규정.pdf", "안내.pdf"].map(nameFor)).toEqual(["2025 › 규정.pdf", "2026 › 인사 › 규정.pdf", "안내.pdf"]);
});

test("a filter finds words in any order and Korean by first consonants", () => {
  expect(matches("복리후생 및 출장 안내.pdf", "출장 복리")).toBe(true);
  expect(matches("지식", "ㅈㅅ")).toBe(true);
  expect(matches("지식", "ㅅㅈ")).toBe(false);
  expect(matches("출장".normalize("NFD"), "출장")).toBe(true);
});

test("sizes and times are written as the language writes them", () => {
  expect(formatBytes("en", 9_900)).toBe("9.9 kB");
  expect(formatBytes("ko", 156_000)).toBe("156 kB");
  expect(formatBytes("en", 0)).toBe("0 B");
  expect(formatAgo("ko", 0, 7_200_000)).toBe("2시간 전");
  expect(formatAgo("en", 0, 10_000)).toBe("now");
});

test("after signing in nobody is sent to another site", () => {
  expect(ownPath("/knowledge/a?search=b")).toBe("/knowledge/a?search=b");
  for (const other of ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", 7]) {
    expect(ownPath(other)).toBeUndefined();
  }
});
