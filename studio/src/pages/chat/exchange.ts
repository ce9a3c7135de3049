/** A question and its answer, as a window has them. */

import type { Citation, Step } from "@/api/ask";
import type { Message, Opinion } from "@/api/client";
import { ApiError } from "@/api/errors";

export type Attached = Message["files"][number];
export type ChatForm = Message["forms"][number];

export interface Exchange {
  /** Stays the same while the exchange lives in this window. */
  readonly key: string;
  /** The server's id of the message; null until the server has the question. */
  readonly id: string | null;
  /** The message it follows; those with one parent are branches. */
  readonly parent: string | null;
  readonly question: string;
  readonly files: readonly Attached[];
  readonly answer: string;
  readonly state: "waiting" | "writing" | "done" | "paused" | "stopped" | "failed";
  readonly kind: "" | "generated" | "quoted" | "unknown" | "annotated" | "given";
  readonly model: string;
  readonly citations: readonly Citation[];
  readonly opinion: Opinion | null;
  /** What an agent did, round by round. */
  readonly steps: readonly Step[];
  /** What a workflow asked people for it. */
  readonly forms: readonly ChatForm[];
  /** Documents that are read before the answer begins. */
  readonly reading?: { readonly ready: number; readonly total: number };
  /** The server went away; the answer is looked for when it is back. */
  readonly isLost?: boolean;
  readonly error?: ApiError;
}

/** An exchange among its branches; `branches` are their keys, oldest first. */
export interface Placed extends Exchange {
  readonly branches: readonly string[];
}

export const isUnderWay = ({ state }: Exchange): boolean => state === "waiting" || state === "writing";

export const EMPTY: Exchange = {
  key: "",
  id: null,
  parent: null,
  question: "",
  files: [],
  answer: "",
  state: "waiting",
  kind: "",
  model: "",
  citations: [],
  opinion: null,
  steps: [],
  forms: [],
};

/** One of an id that is there takes its place. */
export function withStep(steps: readonly Step[], step: Step): readonly Step[] {
  const isThere = steps.some(({ id }) => id === step.id);
  return isThere ? steps.map((one) => (one.id === step.id ? step : one)) : [...steps, step];
}

const STATES = { running: "waiting", normal: "done", paused: "paused", stopped: "stopped", error: "failed" } as const;
const KINDS = ["generated", "quoted", "unknown", "annotated", "given"] as const;

export function exchangeOf(message: Message, key: string): Exchange {
  const { rating, reason, correction } = message;
  return {
    key,
    id: message.id,
    parent: message.parent_id,
    question: message.question,
    files: message.files,
    answer: message.answer,
    state: STATES[message.status],
    kind: KINDS.find((kind) => kind === message.kind) ?? "",
    model: message.model,
    citations: message.citations as readonly Citation[],
    steps: ((message as { steps?: unknown }).steps ?? []) as readonly Step[], // a public page is told of none
    opinion: rating && { rating, reason: reason ?? "", correction: correction ?? "" },
    forms: message.forms,
    ...(message.error && { error: new ApiError(200, message.error) }),
  };
}
