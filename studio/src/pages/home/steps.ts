/** The checklist of a new installation, worked out from what is there: nobody ticks anything. */

import type { Account, App, BaseWithCounts, ConnectionState, OrganState, Role } from "@/api/client";
import { reaches } from "@/frame/role";

const DEMO = "demo";

export interface Step {
  readonly id: "model" | "documents" | "app" | "colleague";
  readonly done: boolean;
  readonly to: "/settings/models" | "/knowledge" | "/apps" | "/settings/members";
}

interface There {
  readonly role: Role;
  readonly bases: readonly BaseWithCounts[];
  readonly apps: readonly App[];
  /** These are for administrators only. */
  readonly organs?: readonly OrganState[] | undefined;
  readonly connections?: readonly ConnectionState[] | undefined;
  readonly members?: readonly Account[] | undefined;
}

/** The steps that the reader's role may take. The included model is for trying out: a model counts once it is another. */
export function stepsOf({ role, organs, connections, bases, apps, members }: There): Step[] {
  const llm = organs?.find(({ port }) => port === "llm");
  const included = llm?.kind === "embedded" && llm.health.detail.startsWith("smollm2-135m");
  const own = bases.filter(({ base }) => base.name !== DEMO);
  const connected = (connections?.length ?? 0) > 0;
  const steps: (Step & { needs: Role })[] = [
    {
      id: "model",
      needs: "admin",
      done: connected || (llm !== undefined && llm.health.ok && !included),
      to: "/settings/models",
    },
    {
      id: "documents",
      needs: "editor",
      done: own.some(({ documents }) => (documents.ready ?? 0) > 0),
      to: "/knowledge",
    },
    { id: "app", needs: "editor", done: apps.some(({ name }) => name !== DEMO), to: "/apps" },
    { id: "colleague", needs: "admin", done: (members?.length ?? 0) > 1, to: "/settings/members" },
  ];
  return steps.filter(({ needs }) => reaches(role, needs)).map(({ id, done, to }) => ({ id, done, to }));
}
