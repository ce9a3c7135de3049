/** The conversations of this window, one for each app. They live outside of pages: an answer goes on when one leaves. */

import { useSyncExternalStore } from "react";

import { type Citation, type Ending, ask } from "@/api/ask";
import { ApiError, asApiError } from "@/api/errors";

export interface Exchange {
  readonly id: number;
  readonly question: string;
  readonly answer: string;
  readonly state: "waiting" | "writing" | "done" | "stopped" | "failed";
  /** Documents that are read before the answer begins. */
  readonly reading?: { readonly ready: number; readonly total: number };
  readonly ending?: Ending;
  readonly error?: ApiError;
}

export const citationsOf = (exchange: Exchange): readonly Citation[] => exchange.ending?.citations ?? [];

let next = 1;

/** A thread as it is shown; a new object whenever anything changed. */
export interface Shown {
  readonly exchanges: readonly Exchange[];
  readonly isBusy: boolean;
}

export class Thread {
  #exchanges: readonly Exchange[] = [];
  #shown: Shown = { exchanges: [], isBusy: false };
  #conversation: string | null = null;
  #stop: AbortController | undefined;
  #drawn: number | undefined;
  readonly #listeners = new Set<() => void>();

  constructor(readonly app: string) {}

  readonly get = (): Shown => this.#shown;

  readonly subscribe = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  get isBusy(): boolean {
    return this.#stop !== undefined;
  }

  /** Asks and keeps the answer as it comes; never throws. A question while one is answered is not taken. */
  async ask(question: string): Promise<void> {
    if (this.isBusy) return;
    const stop = new AbortController();
    this.#stop = stop;
    const id = next++;
    this.#exchanges = [...this.#exchanges, { id, question, answer: "", state: "waiting" }];
    this.#tell();
    let answer = "";
    try {
      for await (const event of ask(this.app, { question, conversation_id: this.#conversation }, stop.signal)) {
        if (event.event === "begin") this.#conversation = event.conversation_id;
        else if (event.event === "waiting") this.#change(id, { reading: event });
        else if (event.event === "delta") this.#change(id, { answer: (answer += event.text), state: "writing" });
        else if (event.event === "replace") this.#change(id, { answer: (answer = event.text), state: "writing" });
        else if (event.event === "error") throw new ApiError(200, event.error);
        else this.#change(id, { ending: event, state: event.stopped ? "stopped" : "done" });
      }
    } catch (error) {
      if (stop.signal.aborted) this.#change(id, { state: "stopped" });
      else this.#change(id, { state: "failed", error: asApiError(error) });
    }
    if (this.#stop === stop) this.#stop = undefined;
    this.#tell();
  }

  /** Stops reading. The server writes the answer to its end and keeps it. */
  readonly stop = (): void => this.#stop?.abort();

  /** Asks the last question again in place of its answer. */
  readonly again = (): void => {
    const last = this.#exchanges.at(-1);
    if (!last || this.isBusy) return;
    this.#exchanges = this.#exchanges.slice(0, -1);
    void this.ask(last.question);
  };

  readonly clear = (): void => {
    this.stop();
    this.#stop = undefined;
    this.#exchanges = [];
    this.#conversation = null;
    this.#tell();
  };

  #change(id: number, changes: Partial<Exchange>): void {
    this.#exchanges = this.#exchanges.map((one) => (one.id === id ? { ...one, ...changes } : one));
    this.#drawn ??= requestAnimationFrame(() => this.#tell()); // words come faster than pictures
  }

  #tell(): void {
    if (this.#drawn !== undefined) cancelAnimationFrame(this.#drawn);
    this.#drawn = undefined;
    this.#shown = { exchanges: this.#exchanges, isBusy: this.isBusy };
    for (const tell of this.#listeners) tell();
  }
}

const threads = new Map<string, Thread>();

export function threadOf(app: string): Thread {
  const found = threads.get(app) ?? new Thread(app);
  threads.set(app, found);
  return found;
}

/** Somebody signs out: the next one sees nothing of it. */
export function forgetThreads(): void {
  for (const thread of threads.values()) thread.stop();
  threads.clear();
}

export function useThread(thread: Thread): Shown {
  return useSyncExternalStore(thread.subscribe, thread.get);
}
