import { expect, test } from "vitest";

import type { App, Site } from "@/api/client";
import { changesOf, draftOf, problemsOf } from "@/pages/apps/draft";
import { sampleOf } from "@/pages/apps/samples";
import { isSame, originOf, siteDraftOf, siteOfDraft, siteProblemsOf, tagOf } from "@/pages/apps/site";

const APP: App = {
  id: "a",
  workspace_id: "w",
  name: "사내 규정",
  mode: "chat",
  description: "",
  config: {
    knowledge: ["k"],
    model: "",
    instruction: "",
    opening_statement: "",
    suggested_questions: ["연차는?"],
    suggested_questions_after_answer: false,
    retriever_resource: true,
    speech_to_text: false,
    text_to_speech: false,
    voice: "",
    top_k: null,
    user_input_form: [],
    language: "",
    icon: "🤖",
    icon_background: "#E4FBCC",
  },
  created_at: 0,
  updated_at: 0,
};

test("an untouched form has nothing to save, and a changed one sends what was changed alone", () => {
  const draft = draftOf(APP);
  expect(changesOf(APP, draft)).toEqual({});
  expect(changesOf(APP, { ...draft, suggested_questions: ["연차는?", "  "] })).toEqual({});
  expect(changesOf(APP, { ...draft, name: " 규정 도우미 ", top_k: "7", language: "ko" })).toEqual({
    name: "규정 도우미",
    top_k: 7,
    language: "ko",
  });
});

test("what cannot be saved is named", () => {
  const draft = draftOf(APP);
  expect(problemsOf(draft)).toEqual([]);
  expect(problemsOf({ ...draft, name: " ", icon: "" })).toEqual(["name", "icon"]);
  for (const top_k of ["0", "101", "1.5", "많이"]) expect(problemsOf({ ...draft, top_k })).toEqual(["top_k"]);
});

test("an origin is scheme, host and port, as browsers write it", () => {
  expect(originOf(" HTTPS://Intranet.example.com:443/ ")).toBe("https://intranet.example.com");
  expect(originOf("http://localhost:3000")).toBe("http://localhost:3000");
  for (const wrong of ["", "*", "https://*.example.com", "example.com", "https://example.com/a", "javascript:alert(1)", "https://a b"]) {
    expect(originOf(wrong)).toBeNull();
  }
});

test("a page keeps its last day through the form and ends when that day is over", () => {
  const settings = { title: "", welcome: "", citations: true, origins: [], visitor_per_minute: 10, address_per_minute: 30, page_per_minute: 120 };
  const end = new Date(2027, 0, 1).getTime();
  const site: Site = { id: "s", workspace_id: "w", app_id: "a", code: "c", is_on: true, settings, expires_at: end, created_at: 0, updated_at: 0 };
  const draft = siteDraftOf(site);
  expect(draft.lastDay).toBe("2026-12-31");
  expect(siteOfDraft(draft, true).expires_at).toBe(end);
  expect(siteOfDraft({ ...draft, lastDay: "" }, true).expires_at).toBeNull();
});

test("empty lines of sites change nothing and wrong ones are named", () => {
  const draft = siteDraftOf(null);
  expect(isSame(draft, { ...draft, origins: [""] })).toBe(true);
  expect(siteProblemsOf({ ...draft, origins: ["", "https://a.example"] })).toEqual([]);
  expect(siteProblemsOf({ ...draft, origins: ["a.example"], page_per_minute: "0" })).toEqual(["page_per_minute", "origins"]);
});

test("the tag says only what is not as usual", () => {
  const usual = { position: "right", language: "", open: false } as const;
  expect(tagOf("https://ai.example", "C0de", usual)).toBe('<script src="https://ai.example/embed.js" data-app="C0de" async></script>');
  expect(tagOf("https://ai.example", "C0de", { position: "left", language: "ko", open: true })).toContain(
    'data-app="C0de" data-position="left" data-language="ko" data-open="true" async',
  );
});

test("examples survive quotes in a question", () => {
  const curl = sampleOf("curl", "http://127.0.0.1:8700", "앱", `what's "new"?`);
  expect(curl).toContain(`what'\\''s \\"new\\"?`);
  expect(sampleOf("python", "http://127.0.0.1:8700", "앱", `"`)).toContain(String.raw`"\""`);
});
