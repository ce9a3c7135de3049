/** Conversations as this window sees them. They live outside of pages: an answer goes on when one leaves. */

import { useEffect, useSyncExternalStore } from "react";

import { type AnswerEvent, ask, follow } from "@/api/ask";
import { type Message, type Opinion, api, body } from "@/api/client";
import { connection } from "@/api/connection";
import { ApiError, asApiError } from "@/api/errors";
import { queryClient } from "@/api/queries";
import { type Attached, EMPTY, type Exchange, type Placed, exchangeOf, isUnderWay, withStep } from "@/pages/chat/exchange";

/** Answers that wait for a person are followed in so many lines to the server at most; a browser has six. */
const MOST_WATCHED = 3;

/** A thread as it is shown: one branch of it, oldest first. A new object whenever anything changed. */
export interface Shown {
  readonly exchanges: readonly Placed[];
  readonly isBusy: boolean;
  readonly conversation: string | null;
  readonly name: string;
  readonly isLoading: boolean;
  readonly error: ApiError | null;
}

let next = 1;

export class Thread {
  /** Tells this one from every other of the window. */
  readonly key = next++;
  #all: readonly Exchange[] = [];
  #conversation: string | null;
  #name = "";
  #isLoading: boolean;
  #error: ApiError | null = null;
  #shown: Shown;
  #drawn: number | undefined;
  #isForgotten = false;
  #pages = 0; // that show it
  readonly #chosen = new Map<string, string>(); // by parent ("" for none): the key of the branch that is shown
  readonly #reading = new Map<string, AbortController>(); // by key
  readonly #tasks = new Map<string, string>(); // by key
  readonly #rated = new Map<string, number>(); // by key: the reading, by its number, that may not know of it yet
  #readings = 0; // of the whole conversation, begun so far
  readonly #listeners = new Set<() => void>();

  constructor(
    readonly app: string,
    conversation: string | null = null,
  ) {
    this.#conversation = conversation;
    this.#isLoading = conversation !== null;
    this.#shown = this.#look();
  }

  readonly get = (): Shown => this.#shown;

  readonly subscribe = (tell: () => void): (() => void) => {
    this.#listeners.add(tell);
    return () => this.#listeners.delete(tell);
  };

  /** A page shows it; the answers that wait for a person are followed, so that it sees them going on. */
  show(): void {
    this.#pages += 1;
    void this.load();
  }

  hide(): void {
    this.#pages -= 1;
    if (this.#pages > 0) return;
    for (const { key, state } of this.#all) if (state === "paused") this.#reading.get(key)?.abort();
  }

  /** Reads the conversation from the server, and follows the answers that are under way in it; never throws. */
  readonly load = async (): Promise<void> => {
    const conversation = this.#conversation;
    if (conversation === null) return;
    const reading = ++this.#readings;
    try {
      const found = await body(
        api.GET("/apps/{app}/conversations/{conversation_id}", {
          params: { path: { app: this.app, conversation_id: conversation } },
        }),
      );
      if (this.#isForgotten) return;
      this.#name = found.name;
      this.#error = null;
      this.#take(found.messages, reading);
    } catch (error) {
      this.#error = asApiError(error);
      if (this.#error.code === "server_unreachable") void this.#loadWhenBack();
    }
    this.#isLoading = false;
    this.#tell();
  };

  /** Asks behind `parent` (undefined: behind what is shown; null: as another beginning) and keeps the answer as it
      comes; never throws. A question while the shown branch is being answered is not taken. */
  async ask(question: string, { parent, files = [] }: { parent?: string | null; files?: readonly Attached[] } = {}): Promise<void> {
    if (this.#shown.isBusy) return;
    this.#all = this.#all.filter(({ id }) => id !== null); // what the server never got
    const at = parent === undefined ? (this.#path().at(-1)?.id ?? null) : parent;
    const key = `new-${next++}`;
    const asked = { question, conversation_id: this.#conversation, parent_id: this.#conversation && (at ?? "") };
    this.#all = [...this.#all, { ...EMPTY, key, parent: at, question, files }];
    this.#chosen.set(at ?? "", key);
    const stop = this.#begin(key);
    this.#tell();
    await this.#read(key, ask(this.app, { ...asked, files: files.map(({ id }) => id) }, stop.signal), stop);
  }

  /** The same question once more; the answer there is stays as another branch. */
  readonly again = (key: string): void => {
    const found = this.#all.find((one) => one.key === key);
    if (found) void this.ask(found.question, { parent: found.parent, files: found.files });
  };

  /** Another question in its place; the first stays as another branch. */
  readonly edit = (key: string, question: string): void => {
    const found = this.#all.find((one) => one.key === key);
    if (found) void this.ask(question, { parent: found.parent, files: found.files });
  };

  readonly choose = (key: string): void => {
    const found = this.#all.find((one) => one.key === key);
    if (!found) return;
    this.#chosen.set(found.parent ?? "", key);
    this.#tell();
  };

  /** Ends the answer that is being written; what was said stays. */
  readonly stop = (): void => {
    const last = this.#path().find(isUnderWay);
    if (!last) return;
    const task = this.#tasks.get(last.key);
    if (task === undefined) {
      this.#reading.get(last.key)?.abort();
      this.#change(last.key, { state: "stopped" });
      return;
    }
    api.POST("/tasks/{task_id}/stop", { params: { path: { task_id: task } } }).catch(() => undefined); // the stream tells
  };

  /** Keeps what the reader thinks of an answer; null takes it back. Throws ApiError, and shows what was kept before. */
  async rate(key: string, opinion: Opinion | null): Promise<void> {
    const found = this.#all.find((one) => one.key === key);
    if (!found?.id) return;
    const params = { path: { app: this.app, message_id: found.id } };
    this.#change(key, { opinion });
    this.#rated.set(key, Number.POSITIVE_INFINITY);
    try {
      if (opinion) await api.PUT("/apps/{app}/messages/{message_id}/feedback", { params, body: opinion });
      else await api.DELETE("/apps/{app}/messages/{message_id}/feedback", { params });
      this.#rated.set(key, this.#readings);
    } catch (error) {
      this.#rated.delete(key);
      this.#change(key, { opinion: found.opinion });
      throw error;
    }
  }

  rename(name: string): void {
    this.#name = name;
    this.#tell();
  }

  /** Stops reading; the server writes its answers to their ends. */
  forget(): void {
    this.#isForgotten = true;
    for (const stop of this.#reading.values()) stop.abort();
  }

  #begin(key: string): AbortController {
    const stop = new AbortController();
    this.#reading.set(key, stop);
    return stop;
  }

  async #read(key: string, events: AsyncGenerator<AnswerEvent>, stop: AbortController): Promise<void> {
    try {
      for await (const event of events) this.#hear(key, event);
    } catch (error) {
      if (!stop.signal.aborted) this.#broken(key, asApiError(error));
    }
    if (this.#reading.get(key) === stop) this.#reading.delete(key);
    this.#tasks.delete(key);
    this.#tell();
    if (this.#find(key).state === "paused" && !stop.signal.aborted) void this.load(); // for its forms
    if (!this.#isForgotten) void queryClient.invalidateQueries({ queryKey: ["conversations", this.app] });
  }

  #hear(key: string, event: AnswerEvent): void {
    if (event.event === "begin") this.#begun(key, event);
    else if (event.event === "waiting") this.#change(key, { reading: event });
    else if (event.event === "step") this.#change(key, { steps: withStep(this.#find(key).steps, event) });
    else if (event.event === "delta") {
      this.#change(key, { answer: this.#find(key).answer + event.text, state: "writing" });
    } else if (event.event === "replace") this.#change(key, { answer: event.text, state: "writing" });
    else if (event.event === "error") throw new ApiError(200, event.error);
    else {
      const { kind, model, citations, stopped, paused } = event;
      this.#change(key, { kind, model, citations, state: paused ? "paused" : stopped ? "stopped" : "done" });
    }
  }

  #begun(key: string, event: AnswerEvent & { event: "begin" }): void {
    if (event.task_id) this.#tasks.set(key, event.task_id);
    const goesOn = this.#find(key).state === "paused";
    this.#change(key, { id: event.message_id, answer: "", steps: [], isLost: false, ...(goesOn && { state: "waiting" }) });
    if (goesOn) void this.load(); // what became of its forms
    if (this.#conversation !== null) return;
    this.#conversation = event.conversation_id;
    threads.set(slot(this.app, event.conversation_id), this);
    void queryClient.invalidateQueries({ queryKey: ["conversations", this.app] });
    this.#tell();
  }

  /** A question that the server has is not lost with the line to it. */
  #broken(key: string, error: ApiError): void {
    if (this.#find(key).state === "paused") {
      if (error.code === "server_unreachable") void this.#loadWhenBack();
      return;
    }
    if (error.code !== "server_unreachable" || this.#find(key).id === null) {
      this.#change(key, { state: "failed", error });
      return;
    }
    this.#change(key, { isLost: true });
    void this.#loadWhenBack();
  }

  async #loadWhenBack(): Promise<void> {
    await connection.back();
    if (!this.#isForgotten) await this.load();
  }

  /** What the server has, in place of what was known; answers that are read here go on, and an opinion that was given
      while the server was being read stays. */
  #take(messages: readonly Message[], reading: number): void {
    const known = new Map(this.#all.map((one) => [one.id, one]));
    const isFirst = this.#all.length === 0;
    const unsent = this.#all.filter(({ id }) => id === null);
    this.#all = [
      ...messages.map((message): Exchange => {
        const old = known.get(message.id);
        const isRead = old && isUnderWay(old) && this.#reading.has(old.key);
        if (isRead) return { ...old, forms: message.forms };
        const now = exchangeOf(message, old?.key ?? message.id);
        return old && reading <= (this.#rated.get(old.key) ?? 0) ? { ...now, opinion: old.opinion } : now;
      }),
      ...unsent,
    ];
    if (isFirst) this.#chooseNewest();
    const paused = this.#pages > 0 ? this.#path().filter(({ state }) => state === "paused") : [];
    for (const { id, key, state } of [...this.#all.filter((one) => one.state === "waiting"), ...paused.slice(-MOST_WATCHED)]) {
      if (id === null || this.#reading.has(key)) continue;
      const stop = this.#begin(key);
      void this.#read(key, follow(this.app, id, stop.signal, { throughPause: state === "paused" }), stop);
    }
  }

  #chooseNewest(): void {
    const byId = new Map(this.#all.map((one) => [one.id, one]));
    for (let at = this.#all.at(-1); at; at = at.parent === null ? undefined : byId.get(at.parent)) {
      this.#chosen.set(at.parent ?? "", at.key);
    }
  }

  /** The branch that is shown: where several follow, the chosen or else the newest one. */
  #path(): Placed[] {
    const path: Placed[] = [];
    for (let parent: string | null = null; ; ) {
      const following = this.#all.filter((one) => one.parent === parent);
      const chosen = this.#chosen.get(parent ?? "");
      const found = following.find(({ key }) => key === chosen) ?? following.at(-1);
      if (!found) return path;
      path.push({ ...found, branches: following.map(({ key }) => key) });
      if (found.id === null) return path;
      parent = found.id;
    }
  }

  #find(key: string): Exchange {
    return this.#all.find((one) => one.key === key) ?? { ...EMPTY, key };
  }

  #change(key: string, changes: Partial<Exchange>): void {
    this.#all = this.#all.map((one) => (one.key === key ? { ...one, ...changes } : one));
    this.#drawn ??= requestAnimationFrame(() => this.#tell()); // words come faster than pictures
  }

  #look(): Shown {
    const exchanges = this.#path();
    return {
      exchanges,
      isBusy: exchanges.some(isUnderWay),
      conversation: this.#conversation,
      name: this.#name,
      isLoading: this.#isLoading,
      error: this.#error,
    };
  }

  #tell(): void {
    if (this.#drawn !== undefined) cancelAnimationFrame(this.#drawn);
    this.#drawn = undefined;
    this.#shown = this.#look();
    for (const tell of this.#listeners) tell();
  }
}

const threads = new Map<string, Thread>();
const slot = (app: string, conversation: string | null): string => `${app}/${conversation ?? ""}`;

/** The thread of a conversation; null: of the one that is begun last, until `settle`. */
export function threadOf(app: string, conversation: string | null = null): Thread {
  const place = slot(app, conversation);
  const found = threads.get(place) ?? new Thread(app, conversation);
  threads.set(place, found);
  return found;
}

/** A conversation that begins now. */
export function beginThread(app: string): Thread {
  settle(app);
  return threadOf(app);
}

/** The conversation that was begun last has an address of its own; the next one may begin. */
export const settle = (app: string): void => void threads.delete(slot(app, null));

export function forgetThread(app: string, conversation: string | null): void {
  threads.get(slot(app, conversation))?.forget();
  threads.delete(slot(app, conversation));
}

/** Somebody signs out: the next one sees nothing of it. */
export function forgetThreads(): void {
  for (const thread of threads.values()) thread.forget();
  threads.clear();
}

/** What the thread shows, read anew from the server when the page opens. */
export function useThread(thread: Thread): Shown {
  useEffect(() => {
    thread.show();
    return () => thread.hide();
  }, [thread]);
  return useSyncExternalStore(thread.subscribe, thread.get);
}
