/** How a managed server is, as LLMFlow tells it: a stream while something moves and somebody looks. */

import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { BASE, type ManagedServer, type ServerState, send } from "@/api/client";
import { managed } from "@/api/queries";
import { eventsOf } from "@/api/sse";

const AGAIN_MS = 2_000;
const STILL: readonly ServerState["state"][] = ["absent", "broken", "outdated", "stopped", "failed"];

export function useServer(name: string, state: ServerState["state"]): void {
  const client = useQueryClient();
  const isStill = STILL.includes(state);
  useEffect(() => {
    if (isStill) return;
    let stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const hear = (told: ServerState) => {
      client.setQueryData(managed.queryKey, (all: ManagedServer[] | undefined) =>
        all?.map((one) => (one.state.name === name ? { ...one, state: told } : one)),
      );
      if (told.state === "running" || STILL.includes(told.state)) {
        void client.invalidateQueries({ queryKey: ["models"], refetchType: "none" });
      }
    };
    const follow = async (signal: AbortSignal) => {
      try {
        const answer = await send(`${BASE}/organs/managed/${encodeURIComponent(name)}/events`, { signal });
        if (answer.body) for await (const { data } of eventsOf(answer.body)) hear(JSON.parse(data) as ServerState);
      } catch {
        // the connection's banner tells; it is tried again below
      }
      if (!signal.aborted) timer = setTimeout(() => void follow(signal), AGAIN_MS);
    };
    const see = () => {
      stop.abort();
      clearTimeout(timer);
      stop = new AbortController();
      if (document.visibilityState === "visible") void follow(stop.signal);
    };
    see();
    document.addEventListener("visibilitychange", see);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", see);
    };
  }, [name, isStill, client]);
}
