/** The states of runs. */
import type { StoredRun } from "@/api/client";

export type RunStatus = StoredRun["status"];
export const RUN_STATES = ["running", "paused", "succeeded", "partial-succeeded", "failed", "stopped"] as const satisfies readonly RunStatus[];
