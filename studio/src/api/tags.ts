/** Tags of knowledge bases. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type Tag = components["schemas"]["Tag"];

export const tags = queryOptions({ queryKey: ["knowledge", "", "tags"], queryFn: () => body(api.GET("/knowledge-tags")) });
