/** Server-sent events out of a fetch body: pieces may end anywhere, also inside a letter or between CR and LF. */

export interface ServerEvent {
  readonly event: string;
  readonly data: string;
}

export class EventParser {
  #rest = "";
  #event = "";
  #data: string[] = [];

  /** The events that became whole with this piece of text. */
  push(text: string): ServerEvent[] {
    const found: ServerEvent[] = [];
    const held = this.#rest + text;
    const end = held.endsWith("\r") ? held.length - 1 : held.length; // its LF may be in the next piece
    let start = 0;
    for (let at = 0; at < end; at++) {
      const letter = held[at];
      if (letter !== "\n" && letter !== "\r") continue;
      this.#line(held.slice(start, at), found);
      if (letter === "\r" && held[at + 1] === "\n") at++;
      start = at + 1;
    }
    this.#rest = held.slice(start);
    return found;
  }

  #line(line: string, found: ServerEvent[]): void {
    if (line === "") {
      if (this.#data.length > 0) found.push({ event: this.#event || "message", data: this.#data.join("\n") });
      this.#event = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return; // a comment, sent to keep the line open
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
  }
}

/** Each event of a streamed answer. Ends when the server closes; throws what reading throws. */
export async function* eventsOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
