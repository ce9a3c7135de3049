/** How a base's documents are cut, and what a document would be under a rule. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type CutDocument = Schemas["CutDocument"];
export type CutPassage = Schemas["CutPassage"];
/** The fields of docs/chunking.md. */
export type Rule = Readonly<Record<string, unknown>>;

export const chunkingOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "chunking"],
    queryFn: async () => (await body(api.GET("/knowledge/{base}/chunking", { params: { path: { base } } }))).chunking as Rule,
  });

/** `ask`: how many parts the model is asked about that it has not been yet; what it says is kept. */
export const cutBy = (document_id: string, chunking: Rule, ask: number): Promise<CutDocument> =>
  body(api.POST("/documents/{document_id}/chunking/preview", { params: { path: { document_id } }, body: { chunking, ask } }));

export const previewKey = (document_id: string, rule: Rule) => ["chunking", document_id, rule] as const;

export const previewOf = (document_id: string, rule: Rule, isWanted: boolean) =>
  queryOptions({
    queryKey: previewKey(document_id, rule),
    queryFn: () => cutBy(document_id, rule, 0),
    enabled: document_id !== "" && isWanted,
    placeholderData: (previous) => previous,
    staleTime: 60_000,
    retry: false,
  });

export const saveChunking = (base: string, chunking: Rule) =>
  body(api.PUT("/knowledge/{base}/chunking", { params: { path: { base } }, body: { chunking } }));

export const cutAgain = (base: string) =>
  body(api.POST("/knowledge/{base}/chunking/apply", { params: { path: { base } } }));
