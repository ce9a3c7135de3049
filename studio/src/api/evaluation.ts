/** Evaluations of a base's search: runs, one of them, its questions, and a file of questions as it is read. */

import { queryOptions } from "@tanstack/react-query";

import { BASE, api, body, send } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type Evaluation = Schemas["Evaluation"];
export type Judged = Schemas["Judged"];
export type Measured = Evaluation["settings"][number];
export type ReadFile = Schemas["Read"];
export type SearchRule = Schemas["SearchRule"];

export const retrievalOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "rule"],
    queryFn: () => body(api.GET("/knowledge/{base}/retrieval", { params: { path: { base } } })),
  });

export const choicesOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "choices"],
    queryFn: () => body(api.GET("/knowledge/{base}/retrieval/choices", { params: { path: { base } } })),
  });

export const evaluationsKey = (base: string) => ["knowledge", base, "evaluations"] as const;

export const evaluationsOf = (base: string) =>
  queryOptions({
    queryKey: evaluationsKey(base),
    queryFn: () => body(api.GET("/knowledge/{base}/evaluations", { params: { path: { base } } })),
  });

/** As it stood when the list told of it: a newer row in the list is asked for anew. */
export const evaluationOf = (base: string, { id, updated_at }: Evaluation) =>
  queryOptions({
    queryKey: [...evaluationsKey(base), id, updated_at],
    queryFn: () =>
      body(api.GET("/knowledge/{base}/evaluations/{evaluation}", { params: { path: { base, evaluation: id } } })),
  });

export const judgedOf = (base: string, evaluation: string, limit: number) =>
  queryOptions({
    queryKey: [...evaluationsKey(base), evaluation, "questions", limit],
    queryFn: () =>
      body(
        api.GET("/knowledge/{base}/evaluations/{evaluation}/questions", {
          params: { path: { base, evaluation }, query: { limit } },
        }),
      ),
  });

/** What of a file can be asked, and what is wrong with its other lines. */
export async function readQuestions(base: string, file: File): Promise<ReadFile> {
  const answer = await send(`${BASE}/knowledge/${encodeURIComponent(base)}/questions`, { method: "POST", body: file });
  return (await answer.json()) as ReadFile;
}

export const isUnderWay = ({ state }: Evaluation): boolean => state === "queued" || state === "running";
