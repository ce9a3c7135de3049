import { describe, expect, it } from "vitest";

import { pieces, plain } from "@/pages/home/excerpt";

describe("an answer's first lines on Home", () => {
  it("stand without the signs of Markdown", () => {
    const answer = "## 연차\n\n연차는 **15일**입니다 [1].\n- `인사팀`에 신청\n* [규정](https://example.com/a) 참고\n```text\n2 * 3\n```";
    expect(plain(answer)).toBe("연차\n\n연차는 15일입니다 [1].\n• 인사팀에 신청\n• 규정 참고\n\n2 * 3");
  });

  it("keep what only looks like a sign", () => {
    expect(plain("3 * 4 = 12, snake_case, **열림")).toBe("3 * 4 = 12, snake_case, **열림");
  });

  it("have their citations apart", () => {
    expect(pieces("하나 [1][12]. 둘 [a]")).toEqual(["하나 ", 1, "", 12, ". 둘 [a]"]);
  });
});
