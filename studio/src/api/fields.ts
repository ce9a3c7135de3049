/** What a base's documents can say of themselves. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type CountedField = components["schemas"]["CountedField"];
export const FIELD_TYPES = ["string", "number", "time"] as const;
export type FieldType = (typeof FIELD_TYPES)[number];

export const fieldsOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "fields"],
    queryFn: () => body(api.GET("/knowledge/{base}/fields", { params: { path: { base } } })),
  });
