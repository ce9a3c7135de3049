/** The checklist of a new installation, worked out from what is there: nobody ticks anything. */

import type { Account, App, BaseWithCounts, OrganState } from "@/api/client";

const DEMO = "demo";

export interface Step {
  readonly id: "model" | "documents" | "app" | "colleague";
  readonly done: boolean;
  readonly to: "/settings" | "/knowledge" | "/chat" | "/settings/members";
}

interface There {
  readonly organs: readonly OrganState[];
  readonly bases: readonly BaseWithCounts[];
  readonly apps: readonly App[];
  readonly members: readonly Account[];
}

/** The included model is for trying out: a chat model counts once it is another one. */
export function stepsOf({ organs, bases, apps, members }: There): Step[] {
  const llm = organs.find(({ port }) => port === "llm");
  const included = llm?.kind === "embedded" && llm.health.detail.startsWith("smollm2-135m");
  const own = bases.filter(({ base }) => base.name !== DEMO);
  return [
    { id: "model", done: llm !== undefined && llm.health.ok && !included, to: "/settings" },
    { id: "documents", done: own.some(({ documents }) => (documents.ready ?? 0) > 0), to: "/knowledge" },
    { id: "app", done: apps.some(({ name }) => name !== DEMO), to: "/chat" },
    { id: "colleague", done: members.length > 1, to: "/settings/members" },
  ];
}
