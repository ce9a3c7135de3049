/** What a base's documents can say of themselves, and who may be told of as seeing them. */

import { queryOptions } from "@tanstack/react-query";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";

export type CountedField = components["schemas"]["CountedField"];

export const fieldsOf = (base: string) =>
  queryOptions({
    queryKey: ["knowledge", base, "fields"],
    queryFn: () => body(api.GET("/knowledge/{base}/fields", { params: { path: { base } } })),
  });
