import { expect, test } from "vitest";

import { ApiError, errorOf } from "@/api/errors";
import { errorText } from "@/frame/errorText";
import { i18n } from "@/i18n";
import { stepsOf } from "@/pages/home/steps";
import { keepsRules } from "@/pages/session/rules";
import { nameOf, sameAddress } from "@/pages/settings/addresses";
import { snippetsOf } from "@/pages/settings/snippets";
import "./words.ts";

const failing = (code: string, message = "In English.", hint = "Do this.") =>
  new ApiError(400, { code, message, hint, param: null, request_id: "r" });

test("an error speaks the reader's language, and keeps the server's words as detail", () => {
  const korean = i18n.getFixedT("ko");
  const told = errorText(korean, "ko", failing("model_key_wrong"));
  expect(told.message).toMatch(/[가-힣]/);
  expect(told.hint).toMatch(/[가-힣]/);
  expect(told.detail).toBe("In English.");
  expect(errorText(i18n.getFixedT("en"), "en", failing("conflict")).hint).toBe("Do this.");
  expect(errorText(korean, "ko", failing("conflict")).hint).toMatch(/[가-힣]/);
});

test("a code without words is shown as the server told it", () => {
  expect(errorText(i18n.getFixedT("ko"), "ko", failing("brand_new"))).toEqual({
    message: "In English.",
    hint: "Do this.",
    detail: "",
  });
});

test("the seconds to wait come from the answer's head", () => {
  const body = JSON.stringify({ error: { code: "sign_in_paused", message: "x", hint: "", param: null, request_id: "r" } });
  expect(errorOf(429, body, null, "40").waitSeconds).toBe(40);
  expect(errorOf(429, body, null, "Wed, 21 Oct 2015 07:28:00 GMT").waitSeconds).toBe(0);
});

test("passwords are held to the server's rules while they are typed", () => {
  expect(keepsRules("네 낱말 모두 다른 것", "kim@example.com")).toBe(true);
  expect(keepsRules("짧음", "kim@example.com")).toBe(false);
  expect(keepsRules("aaaaaaaaaaaa", "kim@example.com")).toBe(false);
  expect(keepsRules("Kim@Example.com", "kim@example.com")).toBe(false);
});

test("the checklist shows what a role may do, worked out from what is there", () => {
  const nothing = { bases: [], apps: [], organs: [], connections: [], members: [] };
  expect(stepsOf({ ...nothing, role: "owner" }).map(({ id, done }) => [id, done])).toEqual([
    ["model", false],
    ["documents", false],
    ["app", false],
    ["colleague", false],
  ]);
  expect(stepsOf({ ...nothing, role: "editor" }).map(({ id }) => id)).toEqual(["documents", "app"]);
  expect(stepsOf({ ...nothing, role: "member" })).toEqual([]);
});

test("an address is the same however it is written, and gets a name", () => {
  expect(sameAddress("http://localhost:11434/v1", "http://127.0.0.1:11434")).toBe(true);
  expect(sameAddress("http://127.0.0.1:8000/v1", "http://127.0.0.1:8001/v1")).toBe(false);
  expect(sameAddress("nonsense", "nonsense")).toBe(false);
  expect(nameOf("http://localhost:11434/v1")).toBe("Ollama");
  expect(nameOf("https://models.example/v1")).toBe("models.example");
});

test("the lines to paste name this server and the key", () => {
  for (const kind of ["app", "model", "admin"] as const) {
    for (const { text } of snippetsOf(kind, "key-1", "http://here:8700", "연차는?")) {
      expect(text).toContain("key-1");
      expect(text).toContain("http://here:8700");
    }
  }
});
