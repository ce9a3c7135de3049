/** Asking an app. The events are documented in the console API's apps routes. */

import { BASE, type Scores, send } from "@/api/client";
import { connection } from "@/api/connection";
import { ApiError, type ErrorBody, unreachable } from "@/api/errors";
import { eventsOf } from "@/api/sse";

/** A passage an answer rests on. `position`: its number in the answer, from 1; `quote`: the words quoted from it. */
export interface Citation {
  readonly position: number;
  readonly document: string;
  readonly document_id: string;
  readonly knowledge: string;
  readonly knowledge_id: string;
  readonly chunk_id: string;
  readonly text: string;
  readonly score: number;
  readonly scores: Scores;
  readonly page: number | null;
  readonly heading_path: readonly string[];
  readonly quote: string;
}

export interface Ending {
  readonly event: "end";
  readonly message_id: string;
  readonly conversation_id: string;
  readonly task_id: string;
  readonly kind: "generated" | "quoted" | "unknown" | "annotated" | "given";
  readonly hint: string;
  readonly model: string;
  readonly stopped: boolean;
  readonly paused: boolean;
  readonly citations: readonly Citation[];
}

/** A round of an agent. `tool`: names by ";"; `tool_input`, `observation`: JSON by tool. */
export interface Step {
  readonly id: string;
  readonly position: number;
  readonly thought: string;
  readonly tool: string;
  readonly tool_labels: Readonly<Record<string, { readonly en_US?: string; readonly ko_KR?: string }>>;
  readonly tool_input: string;
  readonly observation: string;
}

export type AnswerEvent =
  | { readonly event: "begin"; readonly task_id: string; readonly conversation_id: string; readonly message_id: string }
  | { readonly event: "waiting"; readonly ready: number; readonly total: number }
  | ({ readonly event: "step" } & Step)
  | { readonly event: "delta"; readonly text: string }
  | { readonly event: "replace"; readonly text: string }
  | Ending
  | { readonly event: "error"; readonly error: ErrorBody };

export interface Asked {
  readonly question: string;
  readonly conversation_id: string | null;
  /** The message it follows; null: the newest; "": none, another beginning. */
  readonly parent_id: string | null;
  /** Ids of files that were uploaded for it. */
  readonly files: readonly string[];
}

/** The answer's events. Throws ApiError when the server refuses, cannot be reached or breaks off in the middle. */
export async function* ask(app: string, asked: Asked, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
  const answer = await send(`${BASE}/apps/${encodeURIComponent(app)}/ask`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
    signal,
  });
  yield* read(answer, signal);
}

const messageAt = (app: string, message: string): string => `${BASE}/apps/${encodeURIComponent(app)}/messages/${message}`;

/** The events of an answer that is under way, or over, from its start. `throughPause`: of one that waits for a person,
    once it goes on. */
export async function* follow(
  app: string,
  message: string,
  signal: AbortSignal,
  { throughPause = false }: { throughPause?: boolean } = {},
): AsyncGenerator<AnswerEvent> {
  const way = throughPause ? "?through_pause=true" : "";
  yield* read(await send(`${messageAt(app, message)}/events${way}`, { signal }), signal);
}

/** Where a form that an answer waits for is answered. */
export const formAt = (app: string, message: string, form: string): string => `${messageAt(app, message)}/forms/${form}`;

export async function answerForm(address: string, action: string, inputs: Record<string, unknown>): Promise<void> {
  const headers = { "Content-Type": "application/json" };
  await send(address, { method: "POST", headers, body: JSON.stringify({ action, inputs }) });
}

async function* read(answer: Response, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
  if (!answer.body) throw unreachable();
  let isOver = false;
  try {
    for await (const { data } of eventsOf(answer.body)) {
      const event = JSON.parse(data) as AnswerEvent;
      isOver = event.event === "end" || event.event === "error";
      yield event;
    }
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) throw error;
    connection.lost();
    throw unreachable();
  }
  if (!isOver) throw unreachable();
}
