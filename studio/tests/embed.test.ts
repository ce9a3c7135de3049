import { afterEach, expect, test, vi } from "vitest";

import { embed, isLight } from "@/embed/embed";

const SERVER = "https://ai.example";

function tag(data: Record<string, string> = { app: "C0de" }): HTMLScriptElement {
  const script = document.createElement("script");
  script.type = "text/plain"; // so that nothing is fetched here
  script.setAttribute("src", `${SERVER}/embed.js`);
  Object.assign(script.dataset, data);
  return script;
}

const root = () => document.body.querySelector("div")?.shadowRoot;
const button = () => root()?.querySelector("button");
const panel = () => root()?.querySelector<HTMLElement>("[role=dialog]");

function allows(allowed: boolean): void {
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify({ allowed }))));
}

function say(frame: HTMLIFrameElement, llmflow: string, origin = SERVER, source: unknown = frame.contentWindow): void {
  window.dispatchEvent(new MessageEvent("message", { data: { llmflow }, origin, source: source as Window }));
}

afterEach(() => {
  window.LLMFlow?.destroy();
  vi.unstubAllGlobals();
});

test("the frame comes with the first opening and is told who stands around it", () => {
  allows(true);
  embed(tag({ app: "C0de", language: "ko" }));
  expect(panel()?.hidden).toBe(true);
  expect(root()?.querySelector("iframe")).toBeNull();
  expect(button()?.getAttribute("aria-label")).toBe("대화 열기");
  button()?.click();
  expect(panel()?.hidden).toBe(false);
  const address = new URL(root()?.querySelector("iframe")?.src ?? "");
  expect(address.origin + address.pathname).toBe(`${SERVER}/p/C0de`);
  expect(Object.fromEntries(address.searchParams)).toEqual({ embed: "1", origin: window.location.origin, lang: "ko" });
});

test("only its own frame, from its own server, can close it", () => {
  allows(true);
  embed(tag());
  window.LLMFlow?.open();
  const frame = root()?.querySelector("iframe") as HTMLIFrameElement;
  say(frame, "close", "https://evil.example");
  say(frame, "close", SERVER, window);
  expect(panel()?.hidden).toBe(false);
  say(frame, "close");
  expect(panel()?.hidden).toBe(true);
  expect(root()?.activeElement).toBe(button());
});

test("Escape closes it, but not the one that ends a Korean syllable", () => {
  allows(true);
  embed(tag());
  window.LLMFlow?.open();
  panel()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, isComposing: true }));
  expect(panel()?.hidden).toBe(false);
  panel()?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  expect(panel()?.hidden).toBe(true);
});

test("an origin that is not allowed is told what to add, and visitors where to go", async () => {
  const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
  allows(false);
  embed(tag());
  window.LLMFlow?.open();
  await vi.waitFor(() => expect(said).toHaveBeenCalled());
  expect(said.mock.calls[0]?.[0]).toContain(`Add exactly ${window.location.origin}`);
  expect(root()?.querySelector("iframe")).toBeNull();
  expect(root()?.querySelector("a")?.href).toBe(`${SERVER}/p/C0de`);
});

test("a tag without a code, and a second tag, do nothing but say so", () => {
  const said = vi.spyOn(console, "error").mockImplementation(() => undefined);
  expect(embed(tag({}))).toBeUndefined();
  expect(embed(tag({ app: "../api" }))).toBeUndefined();
  expect(embed(tag())).toBeDefined();
  expect(embed(tag())).toBeUndefined();
  expect(said).toHaveBeenCalledTimes(3);
  expect(document.body.querySelectorAll("div")).toHaveLength(1);
});

test("the ink on the button can be read on its colour", () => {
  expect([isLight("#ffffff"), isLight("#ffd400"), isLight("#0f6b5c"), isLight("#000000")]).toEqual([true, true, false, false]);
});
