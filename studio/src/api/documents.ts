/** What pages load of a base's documents: lists, one document, its pages and passages, and how far a base is. */

import { queryOptions } from "@tanstack/react-query";

import { BASE, type Document, api, body } from "@/api/client";
import { ApiError } from "@/api/errors";
import type { components, operations } from "@/api/schema";

export type News = components["schemas"]["News"];
export type PageWords = components["schemas"]["PageWords"];
export type Compared = components["schemas"]["Compared"];
type ListQuery = NonNullable<operations["list_documents_knowledge__base__documents_get"]["parameters"]["query"]>;
export type Sort = NonNullable<ListQuery["sort"]>;

/** Rows loaded at once; a list asks for those it shows. */
export const ROWS = 100;
/** Passages loaded at once. */
export const PASSAGES = 100;

export interface DocumentFilter {
  readonly state?: Document["state"];
  /** Those that are read and kept from the search. */
  readonly display?: "disabled" | "archived";
  readonly search?: string;
  readonly sort?: Sort;
}

export const newsOf = (base: string) => ["knowledge", base, "news"] as const;
export const listsOf = (base: string) => ["knowledge", base, "documents"] as const;

/** Part `part` (from 0) of a base's list; `ProgressStream` says when it is old. */
export const documentsOf = (base: string, filter: DocumentFilter, part: number) =>
  queryOptions({
    queryKey: [...listsOf(base), filter, part],
    queryFn: () =>
      body(
        api.GET("/knowledge/{base}/documents", {
          params: { path: { base }, query: { ...filter, offset: part * ROWS, limit: ROWS } },
        }),
      ),
  });

export const documentOf = (document_id: string) =>
  queryOptions({
    queryKey: ["documents", document_id],
    queryFn: () => body(api.GET("/documents/{document_id}", { params: { path: { document_id } } })),
  });

export interface PassageFilter {
  /** Those that stand on this page. */
  readonly page?: number | undefined;
  readonly search?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly offset?: number | undefined;
  /** The id of a passage: those among which it stands. */
  readonly holding?: string | undefined;
}

export const passagesOf = (document_id: string, filter: PassageFilter) =>
  queryOptions({
    queryKey: ["documents", document_id, "passages", filter],
    queryFn: () =>
      body(
        api.GET("/documents/{document_id}/passages", {
          params: { path: { document_id }, query: { ...filter, limit: PASSAGES } },
        }),
      ),
  });

/** What is searched in a passage's stead. */
export const partsOf = (document_id: string, passage_id: string) =>
  queryOptions({
    queryKey: ["documents", document_id, "parts", passage_id],
    queryFn: () =>
      body(
        api.GET("/documents/{document_id}/passages/{passage_id}/parts", {
          params: { path: { document_id, passage_id }, query: { limit: 1000 } },
        }),
      ),
  });

export const wordsOf = (document_id: string, page: number) =>
  queryOptions({
    queryKey: ["documents", document_id, "words", page],
    queryFn: async () =>
      (await body(
        api.GET("/documents/{document_id}/pages/{page}/words", { params: { path: { document_id, page } } }),
      )) as PageWords,
    staleTime: 300_000,
  });

type Asked = components["schemas"]["Search"];

/** What of a search is otherwise than the base keeps it. */
export type Tried = Omit<Asked, "query" | "where">;
export type Where = components["schemas"]["Where"];
export type Said = components["schemas"]["Said"];

export const compareOf = (base: string, query: string, tried: Tried, where: Where) =>
  queryOptions({
    queryKey: ["knowledge", base, "compare", query, tried, where],
    queryFn: () =>
      body(api.POST("/knowledge/{base}/compare", { params: { path: { base } }, body: { ...tried, query, where } })),
    enabled: query !== "",
    staleTime: 30_000,
  });

/** Addresses for `img` and download links. */
export const pageAddress = (document_id: string, page: number, width: number): string =>
  `${BASE}/documents/${encodeURIComponent(document_id)}/pages/${page}?width=${width}`;
export const originalAddress = (document_id: string): string =>
  `${BASE}/documents/${encodeURIComponent(document_id)}/original`;

/** Why it was not read, as what the error texts take. */
export const failureOf = (document: Document): ApiError =>
  new ApiError(0, {
    code: document.error_code,
    message: document.error_message,
    hint: document.error_hint,
    param: null,
    request_id: null,
  });

/** Whether its pages can be looked at. */
export const hasPages = (document: Document): boolean =>
  document.media_type === "application/pdf" || document.media_type.startsWith("image/");
