/** Where a base gets documents by itself, and which model embeds it. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components } from "@/api/schema";

export type Source = components["schemas"]["Source"];
export type SourceKind = Source["kind"];
export type Embedded = components["schemas"]["Embedded"];
export type Anew = components["schemas"]["Anew"];

/** One synchronisation, as the server keeps it. */
export interface Report {
  readonly begun_at: number;
  readonly ended_at: number;
  readonly new: number;
  readonly changed: number;
  readonly removed: number;
  readonly unchanged: number;
  readonly same: number;
  readonly failed: number;
  readonly error_code: string;
  readonly error_message: string;
  readonly error_hint: string;
}

export const reportsOf = (source: Source): Report[] => source.reports as unknown as Report[];

const BUSY_MS = 1_000;
const REST_MS = 15_000;

export const sourcesOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "sources"],
    queryFn: () => body(api.GET("/knowledge/{base}/sources", { params: { path: { base } } })),
    refetchInterval: ({ state }) => (state.data?.some((one) => one.state !== "idle") ? BUSY_MS : REST_MS),
  });

/** Of the last synchronisation, those with an error. */
export const failedFilesOf = (source: Source) =>
  queryOptions({
    queryKey: ["knowledge", source.knowledge_id, "sources", source.id, "failed", source.updated_at],
    queryFn: () =>
      body(api.GET("/sources/{source_id}/files", { params: { path: { source_id: source.id }, query: { failed: true, limit: 200 } } })),
  });

export const embeddingOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "embedding"],
    queryFn: () => body(api.GET("/knowledge/{base}/embedding", { params: { path: { base } } })),
  });

interface Failed {
  readonly error_code: string;
  readonly error_message: string;
  readonly error_hint: string;
}

/** A failure that the server keeps with what failed, as the error texts take it; none: null. */
export const faultOf = ({ error_code: code, error_message: message, error_hint: hint }: Failed): ApiError | null =>
  code ? new ApiError(0, { code, message, hint, param: null, request_id: null }) : null;
