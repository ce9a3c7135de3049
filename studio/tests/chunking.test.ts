import { describe, expect, it } from "vitest";

import { draftOf, faultsOf, has, isSame, ruleOf } from "@/pages/knowledge/chunking/rule";

describe("a rule of cutting", () => {
  it("comes back from the form as it was", () => {
    for (const rule of [
      {},
      { method: "sentence", max_tokens: 200, overlap_tokens: 0, clean: ["remove_urls_emails"] },
      { method: "semantic", breakpoint_percentile: 90, buffer_sentences: 0 },
      { method: "parent_child", separator: "\\n\\n", max_tokens: 800, child: { max_tokens: 60, separator: "\\n" } },
      { method: "parent_child", parent: "full-doc", child: { max_tokens: 60 } },
      { method: "qa", model: "작가", language: "Korean", question: "질문", answer: "답변" },
    ]) {
      expect(ruleOf(draftOf(rule))).toEqual(rule);
    }
  });

  it("of a separator alone is one of fixed places", () => {
    expect(draftOf({ separator: "\n\n" })).toMatchObject({ method: "fixed", separator: "\\n\\n" });
  });

  it("says nothing of what another method has", () => {
    const draft = { ...draftOf({ method: "semantic", breakpoint_percentile: 80, max_tokens: 100 }), method: "headings" as const };
    expect(ruleOf(draft)).toEqual({ method: "headings", max_tokens: 100 });
    expect(has({ ...draft, method: "parent_child", parent: "full-doc" }, "maxTokens")).toBe(false);
  });

  it("with sizes that cannot be says which", () => {
    const draft = draftOf({ method: "headings", max_tokens: 8, overlap_tokens: 40 });
    expect(faultsOf(draft)).toEqual({ maxTokens: "least", overlap: "overlap" });
    expect(faultsOf(draftOf({ method: "semantic", breakpoint_percentile: 20 }))).toEqual({ percentile: "range" });
    expect(faultsOf(draftOf({ max_tokens: 100, overlap_tokens: 99 }))).toEqual({});
  });

  it("is the same whatever the order of its fields", () => {
    expect(isSame(draftOf({ method: "sentence", max_tokens: 90 }), draftOf({ max_tokens: 90, method: "sentence" }))).toBe(true);
    expect(isSame(draftOf({}), draftOf({ method: "headings" }))).toBe(true);
    expect(isSame(draftOf({}), draftOf({ method: "qa" }))).toBe(false);
  });
});
