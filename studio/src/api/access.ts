/** Who sees a knowledge base: the groups there are, those of a base, and how it looks to somebody else. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";

type Schemas = components["schemas"];
export type BaseAccess = Schemas["BaseAccess"];
export type Circle = Schemas["Circle"];
export type Look = Schemas["Look"];
export type Sight = Schemas["Sight"];

/** Names of groups that members and keys are in; editors may ask. */
export const groups = queryOptions({ queryKey: ["groups"], queryFn: () => body(api.GET("/groups")) });

export const accessOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "access"],
    queryFn: () => body(api.GET("/knowledge/{base}/access", { params: { path: { base } } })),
  });
