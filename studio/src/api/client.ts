/** The console API, typed from its own OpenAPI document (schema.d.ts, written by `npm run types`). */

import createClient, { type Middleware } from "openapi-fetch";

import { connection } from "@/api/connection";
import { errorOf, unreachable } from "@/api/errors";
import type { components, paths } from "@/api/schema";

/** The console's surface, or the one that the page names as its own. */
export const BASE = document.documentElement.dataset.api ?? "/api/v1";

const always = new Map<string, string>();

/** A header that goes with every request of this page. */
export function alwaysSend(name: string, value: string): void {
  always.set(name, value);
}

function dressed(input: RequestInfo | URL, init?: RequestInit): [RequestInfo | URL, RequestInit?] {
  if (always.size === 0) return [input, init];
  const request = new Request(input, init);
  for (const [name, value] of always) request.headers.set(name, value);
  return [request];
}


type Schemas = components["schemas"];
export type Account = Schemas["Account"];
export type ApiKey = Schemas["ApiKey"];
export type App = Schemas["App"];
export type BasePipeline = Schemas["BasePipeline"];
export type BaseWithCounts = Schemas["BaseWithCounts"];
export type Conversation = Schemas["ShownConversation"];
export type Doctor = Schemas["Doctor"];
export type Document = Schemas["Document"];
export type FormDetail = Schemas["FormDetail"];
export type FormRow = Schemas["FormRow"];
export type Found = Schemas["Found"];
export type ConnectionState = Schemas["ConnectionState"];
export type ImportedApp = Schemas["ImportedApp"];
export type PipelineField = Schemas["PipelineField"];
export type Invitation = Schemas["Invitation"];
export type Role = Account["role"];
export type TrialReport = Schemas["TrialReport"];
export type KeyKind = Schemas["NewKey"]["kind"];
export type ListedConversation = Schemas["ListedConversation"];
export type ManagedServer = Schemas["ManagedServer"];
export type ServerState = Schemas["ServerState"];
export type Message = Schemas["ShownMessage"];
export type Opinion = Schemas["Opinion"];
export type OrganState = Schemas["OrganState"];
export type Passage = Schemas["Passage"];
export type RunDetail = Schemas["RunDetail"];
export type StoredRun = Schemas["StoredRun"];
export type Scores = Schemas["Scores"];
export type SearchMode = Schemas["Search"]["mode"];
export type Site = Schemas["Site"];
export type Trigger = Schemas["TriggerView"];
export type CollectionShown = Schemas["CollectionShown"];
export type Preview = Schemas["Preview"];
export type ShownCredential = Schemas["Shown"];
export type ToolShown = Schemas["ToolShown"];
export type ToolTrial = Schemas["TrialAnswer"];
export type SettingValue = Schemas["SettingValue"];

let unauthorized: () => void = () => undefined;

/** `run` is called when the session has ended under an open page. */
export function onUnauthorized(run: () => void): void {
  unauthorized = run;
}

const pathOf = (input: RequestInfo | URL): string =>
  new URL(input instanceof Request ? input.url : input, window.location.href).pathname;

/** fetch that throws ApiError for everything that is not 2xx and tells `connection` whether anybody was there. */
export async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(...dressed(input, init));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    connection.lost();
    throw unreachable();
  }
  if (answer.ok) {
    connection.reached();
    return answer;
  }
  const { status, headers } = answer;
  const found = errorOf(status, await answer.text(), headers.get("x-request-id"), headers.get("retry-after"));
  if (found.code === "server_unreachable") connection.lost();
  else connection.reached();
  if (found.code === "unauthorized" && pathOf(input) !== `${BASE}/session`) unauthorized(); // who asks that, expects it
  throw found;
}

const throwing: Middleware = { onRequest: ({ request }) => send(request) };

export const api = createClient<paths>({ baseUrl: BASE });
api.use(throwing);

/** The body of an answer; errors were thrown by `send` before. */
export async function body<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
