/** Conversations on their way out: gone from the list at once, from the server when nobody took it back in time. */

import { useSyncExternalStore } from "react";

import { BASE, api } from "@/api/client";
import { asApiError } from "@/api/errors";
import { queryClient } from "@/api/queries";
import { forgetThread } from "@/pages/chat/threads";

export const UNDO_MS = 6_000;

interface Leaving {
  readonly app: string;
  readonly timer: ReturnType<typeof setTimeout>;
}

const leaving = new Map<string, Leaving>();
let ids: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

function tell(): void {
  ids = new Set(leaving.keys());
  for (const listener of listeners) listener();
}

/** `onFailed` is told what the server said when it would not. */
export function deleteLater(app: string, conversation: string, onFailed: (error: Error) => void): void {
  leaving.set(conversation, { app, timer: setTimeout(() => void drop(app, conversation, onFailed), UNDO_MS) });
  tell();
}

export function keep(conversation: string): void {
  clearTimeout(leaving.get(conversation)?.timer);
  leaving.delete(conversation);
  tell();
}

async function drop(app: string, conversation: string, onFailed: (error: Error) => void): Promise<void> {
  try {
    await api.DELETE("/apps/{app}/conversations/{conversation_id}", {
      params: { path: { app, conversation_id: conversation } },
    });
    forgetThread(app, conversation);
  } catch (error) {
    if (asApiError(error).status !== 404) onFailed(asApiError(error));
  }
  await queryClient.invalidateQueries({ queryKey: ["conversations", app] });
  keep(conversation);
}

/** The page closes: what was deleted is deleted. */
function dropAll(): void {
  for (const [conversation, { app, timer }] of leaving) {
    clearTimeout(timer);
    void fetch(`${BASE}/apps/${encodeURIComponent(app)}/conversations/${conversation}`, { method: "DELETE", keepalive: true });
  }
}
window.addEventListener("pagehide", dropAll);

export function useLeaving(): ReadonlySet<string> {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => ids,
  );
}
