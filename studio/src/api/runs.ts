/** The states of runs, and what the types of their nodes are called. */
import { queryOptions } from "@tanstack/react-query";

import { type StoredRun, api, body } from "@/api/client";

export type RunStatus = StoredRun["status"];
export const RUN_STATES = ["running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"] as const satisfies readonly RunStatus[];

interface NodeType {
  readonly type: string;
  readonly words: Readonly<Record<"en" | "ko", { readonly label: string }>>;
}

/** They stay as long as the server does. */
export const nodeTypes = queryOptions({
  queryKey: ["nodeTypes"],
  queryFn: () => body(api.GET("/workflow/nodes")) as unknown as Promise<NodeType[]>,
  staleTime: Infinity,
});
