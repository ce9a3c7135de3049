import { expect, test } from "vitest";

import { BEGUN, NO_SETTINGS, after, requestOf, speedOf, wrongIn } from "@/pages/models/ask";
import { bestOf } from "@/pages/models/best";
import { curlOf, literal, pythonOf } from "@/pages/models/code";
import { NEW_ROUTE, flowOf, problemsOf, tiersOf } from "@/pages/models/route";

const ROUTE = {
  ...NEW_ROUTE,
  deployments: [
    { server: "provider", model: "big", weight: 1, priority: 1 },
    { server: "gpu-1", model: "", weight: 19, priority: 0 },
    { server: "gpu-2", model: "", weight: 1, priority: 0 },
  ],
  fallbacks: ["small"],
  context_fallback: "long",
  shadow: { server: "gpu-2", model: "candidate", percent: 10 },
};

test("deployments stand by priority with their share of it", () => {
  const tiers = tiersOf(ROUTE).map((legs) => legs.map(({ server, index, share }) => [server, index, share]));
  expect(tiers).toEqual([[["gpu-1", 1, 0.95], ["gpu-2", 2, 0.05]], [["provider", 0, 1]]]);
  expect(tiersOf({ ...ROUTE, strategy: "fastest" })[0]?.map(({ share }) => share)).toEqual([0.5, 0.5]);
  expect(tiersOf({ ...ROUTE, deployments: [{ server: "a", model: "", weight: 0, priority: 0 }] })[0]?.[0]?.share).toBe(0);
});

test.each([1000, 320])("a picture of %i px holds every box, none over another, each with its way", (width) => {
  const { boxes, edges, height } = flowOf(ROUTE, width);
  expect(boxes.map(({ id }) => id).sort()).toEqual(["c", "d0", "d1", "d2", "entry", "f0", "s"]);
  expect(new Set(edges.map(({ id }) => id))).toEqual(new Set(boxes.map(({ id }) => id).filter((id) => id !== "entry")));
  for (const one of boxes) {
    expect(one.x + one.width).toBeLessThanOrEqual(width);
    expect(one.y + one.height).toBeLessThanOrEqual(height);
    for (const other of boxes) {
      if (one === other) continue;
      const apart = one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;
      expect([one.id, other.id, apart]).toEqual([one.id, other.id, true]);
    }
  }
});

test("what is wrong with a route is said before it is sent", () => {
  expect(problemsOf("업무", ROUTE, [])).toEqual([]);
  expect(problemsOf("", ROUTE, [])).toEqual(["noName"]);
  expect(problemsOf("small", ROUTE, ["small"])).toEqual(["nameTaken", "toItself"]);
  expect(problemsOf("a/b", { ...ROUTE, deployments: [{ server: "", model: "", weight: 0, priority: 0 }] }, [])).toEqual(["nameSlash", "noServer", "noWeight"]);
});

test("a request has what was filled in and nothing else", () => {
  const settings = { ...NO_SETTINGS, prompt: "안녕", temperature: "0", schema: '{"type": "object"}' };
  expect(requestOf(settings, "m")).toEqual({
    model: "m",
    messages: [{ role: "user", content: "안녕" }],
    temperature: 0,
    response_format: { type: "json_schema", json_schema: { name: "answer", schema: { type: "object" } } },
  });
  expect(wrongIn({ ...NO_SETTINGS, schema: "[1]", tools: "{}" })).toEqual(["schema", "tools"]);
  expect(wrongIn({ ...NO_SETTINGS, tools: "[]" })).toEqual([]);
});

test("an answer gathers words, tool calls, tokens and times", () => {
  const piece = (delta: object) => ({ choices: [{ delta, finish_reason: null }] });
  let run = after(BEGUN, piece({ role: "assistant" }), 5);
  expect(run.firstMs).toBeNull();
  run = after(run, piece({ content: "안녕" }), 100);
  run = after(run, piece({ tool_calls: [{ index: 0, function: { name: "search", arguments: '{"q"' } }] }), 200);
  run = after(run, piece({ tool_calls: [{ index: 0, function: { arguments: ": 1}" } }] }), 300);
  run = after(run, { choices: [], usage: { prompt_tokens: 3, completion_tokens: 40 } }, 1100);
  expect(run).toMatchObject({ text: "안녕", firstMs: 100, totalMs: 1100, promptTokens: 3, calls: [{ name: "search", arguments: '{"q": 1}' }] });
  expect(speedOf(run)).toBe(40);
  expect(bestOf([{ ...run, state: "done", usd: 2 }, { ...run, state: "done", firstMs: 90, usd: 2 }, undefined])).toMatchObject({ firstMs: 90, usd: null });
});

test("copied lines are what a terminal and Python read", () => {
  const request = requestOf({ ...NO_SETTINGS, prompt: "it's", tools: '[{"strict": true, "none": null}]' }, "m");
  expect(curlOf("http://here", request)).toContain("it'\\''s");
  expect(pythonOf("http://here", request)).toContain('base_url="http://here/v1"');
  expect(literal([true, null, { a: [] }])).toBe('[\n    True,\n    None,\n    {\n        "a": [],\n    },\n]');
});
