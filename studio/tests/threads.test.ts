import { beforeEach, expect, test, vi } from "vitest";

import { connection } from "@/api/connection";
import { errorOf } from "@/api/errors";
import { Thread, beginThread, forgetThreads, settle, threadOf } from "@/pages/chat/threads";

const ids = (message: string) => ({ message_id: message, conversation_id: "conv", task_id: `task ${message}` });
const begin = (message: string) => ({ event: "begin", ...ids(message) });
const end = (message: string, stopped = false) => ({
  event: "end",
  ...ids(message),
  kind: "quoted",
  hint: "",
  model: "",
  stopped,
  citations: [],
});
const delta = (text: string) => ({ event: "delta", text });

const stream = (...events: object[]) =>
  new Response(events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join(""), {
    headers: { "content-type": "text/event-stream" },
  });
const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

interface Call {
  readonly method: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
  readonly signal: AbortSignal | null | undefined;
}

/** Answers each request with the first handler whose "METHOD end-of-path" fits; what was asked is kept. */
function serve(handlers: Record<string, (call: Call) => Response | Promise<Response>>): Call[] {
  const calls: Call[] = [];
  vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    const request = input instanceof Request ? input : new Request(new URL(input, "http://studio.test"), init);
    const text = await request.clone().text();
    const body = (text ? JSON.parse(text) : {}) as Record<string, unknown>;
    const call = { method: request.method, path: new URL(request.url).pathname, body, signal: init?.signal };
    const found = Object.entries(handlers).find(([key]) => {
      const [method, path = ""] = key.split(" ");
      return method === call.method && call.path.endsWith(path);
    });
    if (!found) return json({}, 404);
    calls.push(call);
    return found[1](call);
  });
  return calls;
}

const message = (id: string, parent_id: string | null, more: object = {}) => ({
  id,
  parent_id,
  question: `question ${id}`,
  files: [],
  answer: `answer ${id}`,
  status: "normal",
  error: null,
  kind: "generated",
  model: "m",
  citations: [],
  created_at: 0,
  elapsed_ms: 0,
  task_id: null,
  rating: null,
  reason: null,
  correction: null,
  ...more,
});
const conversation = (...messages: object[]) => ({ id: "conv", app_id: "demo", name: "휴가", created_at: 0, updated_at: 0, messages });

const shown = (thread: Thread) => thread.get().exchanges.map(({ question }) => question);

beforeEach(() => {
  forgetThreads();
  connection.reached();
});

test("an answer grows, is replaced, and the next question follows it", async () => {
  let number = 0;
  const calls = serve({
    "POST /ask": () => stream(begin(`m${++number}`), delta("dra"), delta("ft"), { event: "replace", text: "16일" }, end(`m${number}`)),
  });
  const thread = new Thread("demo");
  await thread.ask("연차는?");
  expect(thread.get().exchanges).toMatchObject([{ id: "m1", question: "연차는?", answer: "16일", state: "done", kind: "quoted" }]);
  await thread.ask("그럼 5년 차는?");
  expect(calls.map(({ body }) => body)).toMatchObject([
    { conversation_id: null, parent_id: null },
    { conversation_id: "conv", parent_id: "m1" },
  ]);
});

test("the question asked again or otherwise is a branch, and the first stays", async () => {
  let number = 0;
  const calls = serve({ "POST /ask": () => stream(begin(`m${++number}`), delta(`answer ${number}`), end(`m${number}`)) });
  const thread = new Thread("demo");
  await thread.ask("one");
  await thread.ask("two");
  const [first, second] = thread.get().exchanges;
  thread.again(second!.key);
  await vi.waitFor(() => expect(thread.get().exchanges[1]).toMatchObject({ id: "m3", state: "done" }));
  expect(thread.get().exchanges[1]?.branches).toHaveLength(2);
  thread.edit(first!.key, "one, better");
  await vi.waitFor(() => expect(thread.get().exchanges[0]).toMatchObject({ id: "m4", state: "done" }));
  expect(shown(thread)).toEqual(["one, better"]);
  expect(calls.slice(2).map(({ body }) => body)).toMatchObject([
    { question: "two", parent_id: "m1" },
    { question: "one, better", parent_id: "" },
  ]);
  thread.choose(first!.key);
  expect(shown(thread)).toEqual(["one", "two"]);
  expect(thread.get().exchanges[1]?.id).toBe("m3");
  thread.choose(second!.key);
  expect(thread.get().exchanges[1]?.id).toBe("m2");
});

test("a conversation opens on its newest branch, and an answer under way goes on from its start", async () => {
  serve({
    "GET /conversations/conv": () =>
      json(
        conversation(
          message("a", null),
          message("b", "a"),
          message("c", "a"),
          message("d", "b", { status: "running", answer: "", task_id: "task d" }),
        ),
      ),
    "GET /messages/d/events": () => stream(begin("d"), delta("말하는 "), delta("중"), end("d")),
  });
  const thread = threadOf("demo", "conv");
  await thread.load();
  expect(shown(thread)).toEqual(["question a", "question b", "question d"]);
  await vi.waitFor(() => expect(thread.get().exchanges[2]).toMatchObject({ answer: "말하는 중", state: "done" }));
  expect(thread.get()).toMatchObject({ name: "휴가", isBusy: false });
});

test("stopping asks the server to stop, and what was said stays", async () => {
  let told: ReadableStreamDefaultController<Uint8Array> | undefined;
  const write = (event: object) => told?.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(event)}\n\n`));
  const calls = serve({
    "POST /ask": () => new Response(new ReadableStream<Uint8Array>({ start: (controller) => void (told = controller) })),
    "POST /stop": () => {
      write(end("m1", true));
      told?.close();
      return json({ stopped: true });
    },
  });
  const thread = new Thread("demo");
  const asked = thread.ask("?");
  await vi.waitFor(() => expect(told).toBeDefined());
  write(begin("m1"));
  write(delta("half"));
  await vi.waitFor(() => expect(thread.get().exchanges[0]?.answer).toBe("half"));
  thread.stop();
  await asked;
  expect(decodeURIComponent(calls[1]?.path ?? "")).toContain("/tasks/task m1/stop");
  expect(thread.get()).toMatchObject({ isBusy: false, exchanges: [{ answer: "half", state: "stopped" }] });
});

test("an error in the middle keeps what was written and says why", async () => {
  const error = { code: "model_failed", message: "It broke.", hint: "Look.", param: null, request_id: "r" };
  serve({ "POST /ask": () => stream(begin("m"), delta("half"), { event: "error", error }) });
  const thread = new Thread("demo");
  await thread.ask("?");
  expect(thread.get().exchanges).toMatchObject([{ answer: "half", state: "failed", error: { code: "model_failed", requestId: "r" } }]);
  expect(thread.get().isBusy).toBe(false);
});

test("a refused question is told with the server's own words, and gives way to the next", async () => {
  const error = { code: "not_found", message: "No app.", hint: "List.", param: null, request_id: "r" };
  serve({ "POST /ask": () => json({ error }, 404) });
  const thread = new Thread("demo");
  await thread.ask("first");
  expect(thread.get().exchanges).toMatchObject([{ id: null, state: "failed", error: { code: "not_found", hint: "List." } }]);
  await thread.ask("second");
  expect(shown(thread)).toEqual(["second"]);
});

test("an answer whose line breaks is looked for when the server is back", async () => {
  serve({
    "POST /ask": () => stream(begin("m"), delta("half")),
    "GET /conversations/conv": () => json(conversation(message("m", null, { answer: "half and the rest" }))),
  });
  vi.spyOn(connection, "back").mockImplementation(() => Promise.resolve());
  const thread = new Thread("demo");
  await thread.ask("?");
  await vi.waitFor(() => expect(thread.get().exchanges).toMatchObject([{ answer: "half and the rest", state: "done" }]));
});

test("what the server would not keep of an opinion is not shown", async () => {
  const error = { code: "internal_error", message: "Broken.", hint: "", param: null, request_id: "r" };
  let isBroken = false;
  const calls = serve({
    "POST /ask": () => stream(begin("m"), delta("a"), end("m")),
    "PUT /messages/m/feedback": () => (isBroken ? json({ error }, 500) : new Response(null, { status: 204 })),
  });
  const thread = new Thread("demo");
  await thread.ask("?");
  const key = thread.get().exchanges[0]!.key;
  const kept = { rating: "dislike", reason: "틀림", correction: "15일" } as const;
  await thread.rate(key, kept);
  isBroken = true;
  await expect(thread.rate(key, { rating: "like", reason: "", correction: "" })).rejects.toMatchObject({ code: "internal_error" });
  await vi.waitFor(() => expect(thread.get().exchanges[0]?.opinion).toEqual(kept));
  expect(calls[1]?.body).toEqual(kept);
});

test("an opinion given while the conversation is read again stays, and the next reading is believed", async () => {
  let answerLate: (answer: Response) => void = () => undefined;
  const readings: (() => Response | Promise<Response>)[] = [
    () => json(conversation(message("m", null, { rating: "dislike", reason: "틀림", correction: "" }))),
    () => new Promise<Response>((resolve) => (answerLate = resolve)),
    () => json(conversation(message("m", null))),
  ];
  serve({ "GET /conversations/conv": () => readings.shift()!(), "PUT /messages/m/feedback": () => new Response(null, { status: 204 }) });
  const thread = new Thread("demo", "conv");
  await thread.load();
  const late = thread.load();
  const like = { rating: "like", reason: "", correction: "" } as const;
  await thread.rate("m", like);
  answerLate(json(conversation(message("m", null, { rating: "dislike", reason: "틀림", correction: "" }))));
  await late;
  expect(thread.get().exchanges[0]?.opinion).toEqual(like);
  await thread.load();
  expect(thread.get().exchanges[0]?.opinion).toBeNull();
});

test("a new conversation becomes the thread of its address, and the next one is another", async () => {
  serve({ "POST /ask": () => stream(begin("m"), end("m")) });
  const thread = beginThread("demo");
  await thread.ask("?");
  expect(threadOf("demo", "conv")).toBe(thread);
  settle("demo");
  expect(threadOf("demo")).not.toBe(thread);
});

test("a proxy's answer means that the server is not there", () => {
  expect(errorOf(502, "<html>Bad gateway</html>", null).code).toBe("server_unreachable");
  expect(errorOf(500, "<html>oops</html>", "r")).toMatchObject({ code: "invalid_answer", requestId: "r" });
});

test("an answer that waits for a person is followed through its pause while a page shows it", async () => {
  const form = { id: "f", title: "결재", state: "waiting", may_answer: true };
  let state = "waiting";
  const paths: string[] = [];
  let goOn = (_: Response) => {};
  const later = new Promise<Response>((resolve) => (goOn = resolve));
  vi.stubGlobal("fetch", async (input: Request | string) => {
    const url = new URL(input instanceof Request ? input.url : input, "http://studio.test");
    paths.push(url.pathname + url.search);
    if (url.pathname.endsWith("/ask")) return stream(begin("m"), delta("먼저. "), { ...end("m"), paused: true });
    if (url.pathname.endsWith("/events")) return later;
    const status = state === "waiting" ? "paused" : "running";
    const messages = [{ ...message("m", null), answer: "먼저. ", status, forms: [{ ...form, state }] }];
    return json({ id: "conv", name: "", messages });
  });
  const thread = new Thread("waits");
  thread.show();
  await thread.ask("연차");
  await vi.waitFor(() => expect(paths.at(-1)).toMatch(/messages\/m\/events\?through_pause=true$/));
  const [shown] = thread.get().exchanges;
  expect([shown?.state, shown?.answer, shown?.forms[0]?.state, thread.get().isBusy]).toEqual(["paused", "먼저. ", "waiting", false]);
  state = "submitted";
  goOn(stream(begin("m"), delta("먼저. "), delta("좋습니다"), end("m")));
  await vi.waitFor(() => {
    const [done] = thread.get().exchanges;
    expect([done?.state, done?.answer, done?.forms[0]?.state]).toEqual(["done", "먼저. 좋습니다", "submitted"]);
  });
  thread.hide();
});

test("what waits for a person is not followed where no page shows it", async () => {
  const kept = [{ ...message("m", null), status: "paused", forms: [] }];
  const calls = serve({ "GET /conversations/conv": () => json({ id: "conv", name: "", messages: kept }) });
  const thread = new Thread("hidden", "conv");
  await thread.load();
  expect(thread.get().exchanges[0]?.state).toBe("paused");
  expect(calls).toHaveLength(1);
});
