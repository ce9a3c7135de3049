import { expect, test } from "vitest";

import { EventParser, type ServerEvent, eventsOf } from "@/api/sse";

const parsed = (...pieces: string[]): ServerEvent[] => {
  const parser = new EventParser();
  return pieces.flatMap((piece) => parser.push(piece));
};

test("an event is told once its empty line has come", () => {
  expect(parsed('data: {"a":1}\n')).toEqual([]);
  expect(parsed('data: {"a":1}\n', "\n")).toEqual([{ event: "message", data: '{"a":1}' }]);
});

test("an event may be cut anywhere, also between CR and LF", () => {
  const text = "event: delta\r\ndata: 안녕\r\n\r\ndata: b\r\n\r\n";
  const whole = [
    { event: "delta", data: "안녕" },
    { event: "message", data: "b" },
  ];
  for (let cut = 0; cut <= text.length; cut++) expect(parsed(text.slice(0, cut), text.slice(cut))).toEqual(whole);
});

test("several data lines are one text, comments and unknown fields are passed over", () => {
  expect(parsed(": ping\n\nid: 7\ndata: a\ndata:b\n\n")).toEqual([{ event: "message", data: "a\nb" }]);
});

test("an event that never ends is not told", () => {
  expect(parsed("data: half")).toEqual([]);
});

test("a Korean letter cut into two pieces of bytes comes out whole", async () => {
  const bytes = new TextEncoder().encode("data: 연차\n\n");
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
      controller.close();
    },
  });
  const found: string[] = [];
  for await (const { data } of eventsOf(stream)) found.push(data);
  expect(found).toEqual(["연차"]);
});
