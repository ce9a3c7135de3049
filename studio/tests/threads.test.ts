import { expect, test, vi } from "vitest";

import { errorOf } from "@/api/errors";
import { Thread } from "@/pages/chat/threads";

const BEGIN = { event: "begin", message_id: "m", conversation_id: "conv", task_id: "t" };
const END = { event: "end", message_id: "m", conversation_id: "conv", task_id: "t", kind: "quoted", hint: "", model: "", stopped: false, citations: [] };

function answering(...events: object[]): ReturnType<typeof vi.fn> {
  const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
  const fetched = vi.fn(() => Promise.resolve(new Response(text, { headers: { "content-type": "text/event-stream" } })));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

test("an answer grows, is replaced, and ends with the conversation the next question goes on with", async () => {
  const fetched = answering(BEGIN, { event: "delta", text: "dra" }, { event: "delta", text: "ft" }, { event: "replace", text: "16일" }, END);
  const thread = new Thread("demo");
  await thread.ask("연차는?");
  expect(thread.get().exchanges).toMatchObject([{ question: "연차는?", answer: "16일", state: "done" }]);
  await thread.ask("그럼 5년 차는?");
  const bodies = fetched.mock.calls.map(([, init]) => JSON.parse((init as RequestInit).body as string) as object);
  expect(bodies).toMatchObject([{ conversation_id: null }, { conversation_id: "conv" }]);
});

test("an error in the middle keeps what was written and says why", async () => {
  const error = { code: "model_failed", message: "It broke.", hint: "Look.", param: null, request_id: "r" };
  answering({ event: "delta", text: "half" }, { event: "error", error });
  const thread = new Thread("demo");
  await thread.ask("?");
  expect(thread.get().exchanges).toMatchObject([{ answer: "half", state: "failed", error: { code: "model_failed", requestId: "r" } }]);
  expect(thread.isBusy).toBe(false);
});

test("a refused question is told with the server's own words", async () => {
  const body = { error: { code: "not_found", message: "No app.", hint: "List.", param: null, request_id: "r" } };
  vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(body), { status: 404 })));
  const thread = new Thread("demo");
  await thread.ask("?");
  expect(thread.get().exchanges).toMatchObject([{ state: "failed", error: { code: "not_found", message: "No app.", hint: "List." } }]);
});

test("a proxy's answer means that the server is not there", () => {
  expect(errorOf(502, "<html>Bad gateway</html>", null).code).toBe("server_unreachable");
  expect(errorOf(500, "<html>oops</html>", "r")).toMatchObject({ code: "invalid_answer", requestId: "r" });
});

test("what is shown changes when the stream closes, also when no word came with it", async () => {
  answering({ event: "delta", text: "a" }, END);
  const thread = new Thread("demo");
  const busy: boolean[] = [];
  thread.subscribe(() => busy.push(thread.get().isBusy));
  await thread.ask("?");
  expect(busy[0]).toBe(true);
  expect(busy.at(-1)).toBe(false);
});

test("a stopped answer keeps what was written", async () => {
  const piece = new TextEncoder().encode('data: {"event":"delta","text":"half"}\n\n');
  vi.stubGlobal("fetch", (_: unknown, { signal }: RequestInit) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(piece);
        signal?.addEventListener("abort", () => controller.error(new DOMException("stopped", "AbortError")));
      },
    });
    return Promise.resolve(new Response(body));
  });
  const thread = new Thread("demo");
  const asked = thread.ask("?");
  await vi.waitFor(() => expect(thread.get().exchanges[0]?.answer).toBe("half"));
  thread.stop();
  await asked;
  expect(thread.get()).toMatchObject({ isBusy: false, exchanges: [{ answer: "half", state: "stopped" }] });
});
