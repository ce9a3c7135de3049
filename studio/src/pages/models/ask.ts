/** A model asked from the playground: the request, and what its stream tells. */

import { BASE, send } from "@/api/client";
import { connection } from "@/api/connection";
import { ApiError, asApiError, isErrorBody, unreachable } from "@/api/errors";
import { eventsOf } from "@/api/sse";

export interface Settings {
  readonly system: string;
  readonly prompt: string;
  readonly temperature: string;
  readonly maxTokens: string;
  readonly topP: string;
  readonly seed: string;
  /** JSON schema of the answer; "": any text. */
  readonly schema: string;
  /** JSON list of tools. */
  readonly tools: string;
}

export const NO_SETTINGS: Settings = { system: "", prompt: "", temperature: "", maxTokens: "", topP: "", seed: "", schema: "", tools: "" };

export type Request = { readonly model: string; readonly messages: readonly { role: string; content: string }[] } & Record<string, unknown>;

/** A chat completion's request. Throws SyntaxError when schema or tools are no JSON. */
export function requestOf(settings: Settings, model: string): Request {
  const number = (text: string) => (text.trim() === "" ? undefined : Number(text));
  const messages = [
    ...(settings.system.trim() ? [{ role: "system", content: settings.system }] : []),
    { role: "user", content: settings.prompt },
  ];
  const further = {
    temperature: number(settings.temperature),
    top_p: number(settings.topP),
    max_tokens: number(settings.maxTokens),
    seed: number(settings.seed),
    response_format: settings.schema.trim()
      ? { type: "json_schema", json_schema: { name: "answer", schema: JSON.parse(settings.schema) as unknown } }
      : undefined,
    tools: settings.tools.trim() ? (JSON.parse(settings.tools) as unknown) : undefined,
  };
  return { model, messages, ...Object.fromEntries(Object.entries(further).filter(([, value]) => value !== undefined)) };
}

/** Which of schema and tools is no JSON of its kind. */
export function wrongIn({ schema, tools }: Settings): ("schema" | "tools")[] {
  const fits = (text: string, is: (value: unknown) => boolean): boolean => {
    if (!text.trim()) return true;
    try {
      return is(JSON.parse(text));
    } catch {
      return false;
    }
  };
  const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
  return [...(fits(schema, isObject) ? [] : (["schema"] as const)), ...(fits(tools, Array.isArray) ? [] : (["tools"] as const))];
}

/** An answer as it stands. Times in milliseconds since it was asked for; null: not known. */
export interface Run {
  readonly state: "running" | "done" | "stopped" | "failed";
  readonly text: string;
  readonly reasoning: string;
  /** Name and arguments of each tool that is called. */
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
  readonly firstMs: number | null;
  readonly totalMs: number | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly usd: number | null;
  /** Why it ended, in the server's word: "length" is cut off. */
  readonly reason: string;
  readonly error: ApiError | null;
}

export const BEGUN: Run = {
  state: "running",
  text: "",
  reasoning: "",
  calls: [],
  firstMs: null,
  totalMs: null,
  promptTokens: null,
  completionTokens: null,
  usd: null,
  reason: "",
  error: null,
};

interface Chunk {
  readonly choices?: readonly {
    readonly delta?: {
      readonly content?: string | null;
      readonly reasoning_content?: string | null;
      readonly reasoning?: string | null;
      readonly tool_calls?: readonly { readonly index?: number; readonly function?: { readonly name?: string; readonly arguments?: string } }[];
    };
    readonly finish_reason?: string | null;
  }[];
  readonly usage?: { readonly prompt_tokens: number; readonly completion_tokens: number } | null;
  readonly usd?: number | null;
  readonly error?: unknown;
}

/** The answer with one more event, which came `ms` after it was asked for. */
export function after(run: Run, chunk: Chunk, ms: number): Run {
  const choice = chunk.choices?.[0];
  const delta = choice?.delta;
  const more = delta?.content ?? "";
  const thought = delta?.reasoning_content ?? delta?.reasoning ?? "";
  const calls = [...run.calls];
  for (const one of delta?.tool_calls ?? []) {
    const index = one.index ?? calls.length;
    const old = calls[index] ?? { name: "", arguments: "" };
    calls[index] = { name: old.name + (one.function?.name ?? ""), arguments: old.arguments + (one.function?.arguments ?? "") };
  }
  const said = more !== "" || thought !== "" || (delta?.tool_calls?.length ?? 0) > 0;
  return {
    ...run,
    text: run.text + more,
    reasoning: run.reasoning + thought,
    calls,
    firstMs: run.firstMs ?? (said ? ms : null),
    totalMs: ms,
    promptTokens: chunk.usage?.prompt_tokens ?? run.promptTokens,
    completionTokens: chunk.usage?.completion_tokens ?? run.completionTokens,
    usd: chunk.usd ?? run.usd,
    reason: choice?.finish_reason ?? run.reason,
  };
}

const LEAST_MS = 50; // what comes nearly at once says nothing about speed

/** Tokens a second from the first word to the end; null where one of them is not known. */
export function speedOf({ completionTokens, firstMs, totalMs }: Run): number | null {
  if (completionTokens === null || firstMs === null || totalMs === null || totalMs - firstMs < LEAST_MS) return null;
  return completionTokens / ((totalMs - firstMs) / 1000);
}

/** Asks, and tells each new state. Never throws. */
export async function askModel(request: Request, signal: AbortSignal, tell: (run: Run) => void): Promise<void> {
  const started = performance.now();
  let run = BEGUN;
  const end = (next: Partial<Run>) => tell((run = { ...run, totalMs: run.totalMs ?? performance.now() - started, ...next }));
  try {
    const answer = await send(`${BASE}/models/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
      signal,
    });
    if (!answer.body) throw unreachable();
    let isOver = false;
    for await (const { data } of eventsOf(answer.body)) {
      if (data === "[DONE]") {
        isOver = true;
        continue;
      }
      const chunk = JSON.parse(data) as Chunk;
      if (isErrorBody(chunk.error)) throw new ApiError(200, chunk.error);
      if (isOver) run = { ...run, usd: chunk.usd ?? run.usd };
      else tell((run = after(run, chunk, performance.now() - started)));
    }
    if (!isOver) {
      connection.lost();
      throw unreachable();
    }
    end({ state: "done" });
  } catch (error) {
    if (signal.aborted) end({ state: "stopped" });
    else end({ state: "failed", error: asApiError(error) });
  }
}
