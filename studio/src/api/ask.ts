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
  readonly kind: "generated" | "quoted" | "unknown";
  readonly hint: string;
  readonly model: string;
  readonly stopped: boolean;
  readonly citations: readonly Citation[];
}

export type AnswerEvent =
  | { readonly event: "begin"; readonly task_id: string; readonly conversation_id: string; readonly message_id: string }
  | { readonly event: "waiting"; readonly ready: number; readonly total: number }
  | { readonly event: "delta"; readonly text: string }
  | { readonly event: "replace"; readonly text: string }
  | Ending
  | { readonly event: "error"; readonly error: ErrorBody };

interface Asked {
  readonly question: string;
  readonly conversation_id: string | null;
}

/** The answer's events. Throws ApiError when the server refuses, cannot be reached or breaks off in the middle. */
export async function* ask(app: string, asked: Asked, signal: AbortSignal): AsyncGenerator<AnswerEvent> {
  const answer = await send(`${BASE}/apps/${encodeURIComponent(app)}/ask`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...asked, user: "console" }),
    signal,
  });
  if (!answer.body) throw unreachable();
  try {
    for await (const { data } of eventsOf(answer.body)) yield JSON.parse(data) as AnswerEvent;
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) throw error;
    connection.lost();
    throw unreachable();
  }
}
