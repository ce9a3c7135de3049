/** The kinds of apps there are, by Dify's names. */
import type { App } from "@/api/client";

const MODES = ["chat", "completion", "agent-chat", "advanced-chat", "workflow", "rag-pipeline"] as const;
export type Mode = (typeof MODES)[number];

/** Whether one can talk to the app. */
export function answers(app: App): boolean {
  return app.mode === "chat" || app.mode === "agent-chat" || app.mode === "advanced-chat";
}

/** Whether its settings say all it does; else a design from a file does. */
export function isPlain(app: App): boolean {
  return app.mode === "chat";
}

/** Whether it may start by itself. */
export function hasTriggers(app: App): boolean {
  return app.mode === "workflow";
}

export function modeOf(app: App): Mode {
  return MODES.find((mode) => mode === app.mode) ?? "workflow";
}
