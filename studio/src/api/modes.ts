/** The kinds of apps there are, by Dify's names. */
import type { App } from "@/api/client";

const MODES = ["chat", "completion", "agent-chat", "advanced-chat", "workflow", "rag-pipeline"] as const;
export type Mode = (typeof MODES)[number];

/** Whether questions to the app are answered: apps of other modes are kept, and exported for where they run. */
export function answers(app: App): boolean {
  return app.mode === "chat";
}

export function modeOf(app: App): Mode {
  return MODES.find((mode) => mode === app.mode) ?? "workflow";
}
