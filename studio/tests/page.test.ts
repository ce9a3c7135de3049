import { expect, test } from "vitest";

import { placeOf } from "@/page/place";
import { visitorOf } from "@/page/visitor";

test("an address says the code, and who stands around only when it is embedded", () => {
  expect(placeOf("https://ai.example/p/C0de")).toEqual({ code: "C0de", around: "", language: undefined });
  expect(placeOf("https://ai.example/p/C0de?embed=1&origin=https://a.example&lang=ko")).toEqual({
    code: "C0de",
    around: "https://a.example",
    language: "ko",
  });
  expect(placeOf("https://ai.example/p/C0de?origin=https://a.example").around).toBe("");
  for (const wrong of ["*", "javascript:alert(1)", "https://a.example/path", "null"]) {
    expect(placeOf(`https://ai.example/p/C0de?embed=1&origin=${encodeURIComponent(wrong)}`).around).toBe("");
  }
});

test("a visitor is the same again on one page and somebody else on another", () => {
  const one = visitorOf("one");
  expect(one).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(visitorOf("one")).toBe(one);
  expect(visitorOf("other")).not.toBe(one);
});

test("where a browser forbids storage a visitor can still ask", () => {
  const forbidden = () => {
    throw new DOMException("denied", "SecurityError");
  };
  expect(visitorOf("one", forbidden)).toMatch(/^[A-Za-z0-9_-]{43}$/);
});
