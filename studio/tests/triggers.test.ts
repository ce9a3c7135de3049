import i18next from "i18next";
import { beforeAll, describe, expect, it } from "vitest";

import type { Trigger } from "@/api/client";
import en from "@/i18n/en.json";
import ko from "@/i18n/ko.json";
import { rhythmOf, told } from "@/pages/apps/schedule";
import { curlOf } from "@/pages/apps/webhook";

beforeAll(() =>
  i18next.init({ lng: "ko", resources: { en: { translation: en }, ko: { translation: ko } }, interpolation: { escapeValue: false } }),
);

describe("a schedule", () => {
  it.each([
    ["* * * * *", "1분마다", "Every minute"],
    ["*/15 * * * *", "15분마다", "Every 15 minutes"],
    ["5 * * * *", "매시간 5분", "Every hour, 5 minutes past"],
    ["30 9 * * *", "매일 오전 9:30", "Every day at 9:30 AM"],
    ["0 18 * * 1-3", "매주 월요일, 화요일, 수요일 오후 6:00", "Every Monday, Tuesday, Wednesday at 6:00 PM"],
    ["0 18 * * MON,7", "매주 월요일, 일요일 오후 6:00", "Every Monday, Sunday at 6:00 PM"],
    ["0 0 1,L * ?", "매월 1일, 말일 오전 12:00", "Every month on day 1, the last day at 12:00 AM"],
    ["0 9 * 1 *", "크론 표현식 0 9 * 1 *", "By the cron expression 0 9 * 1 *"],
    ["0 9 1 * MON", "크론 표현식 0 9 1 * MON", "By the cron expression 0 9 1 * MON"],
    ["0 9-18 * * *", "크론 표현식 0 9-18 * * *", "By the cron expression 0 9-18 * * *"],
  ])("%s is told in both languages", (cron, korean, english) => {
    const plain = (text: string) => text.replaceAll("\u202f", " ").replace("오전", "AM").replace("오후", "PM"); // as the ICU has it
    expect(plain(told(i18next.getFixedT("ko"), "ko", cron))).toBe(plain(korean));
    expect(plain(told(i18next.getFixedT("en"), "en", cron))).toBe(english);
  });

  it("is not told as what it is not", () => {
    for (const cron of ["", "a b c d e", "0 25-1 * * *", "0 9 * * 5-1", "0 9 x * *"]) expect(rhythmOf(cron)).toBeNull();
  });
});

const webhook: NonNullable<Trigger["webhook"]> = {
  path: "/triggers/webhook/abc",
  debug_path: "/triggers/webhook-debug/abc",
  method: "POST",
  content_type: "application/json",
  needs_secret: true,
  has_secret: true,
  declared: [
    { where: "header", name: "X-Key", type: "string", required: true },
    { where: "query", name: "쪽", type: "number", required: false },
    { where: "body", name: "it's", type: "string", required: true },
    { where: "body", name: "n", type: "number", required: false },
  ],
};

describe("a call of a webhook", () => {
  it("has what is declared, its secret by a variable, and nothing that a shell would read", () => {
    expect(curlOf(webhook, "https://flow.example")).toBe(
      [
        "curl -X POST 'https://flow.example/triggers/webhook/abc?%EC%AA%BD=1'",
        '-H "Authorization: Bearer $WEBHOOK_SECRET"',
        "-H 'X-Key: …'",
        "-H 'Content-Type: application/json'",
        "-d '{\"it'\\''s\":\"…\",\"n\":1}'",
      ].join(" \\\n  "),
    );
  });

  it("has no body where the method takes none, and no secret where none is asked for", () => {
    expect(curlOf({ ...webhook, method: "GET", needs_secret: false, declared: [] }, "https://flow.example")).toBe(
      "curl -X GET 'https://flow.example/triggers/webhook/abc'",
    );
  });
});
