/** Servers of knowledge that LLMFlow asks, by Dify's External Knowledge API. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type ExternalApi = components["schemas"]["ExternalApi"];
export type Tried = components["schemas"]["Tried"];

/** Editors may ask. */
export const externals = queryOptions({ queryKey: ["external-knowledge"], queryFn: () => body(api.GET("/external-knowledge")) });
