/** How far a base's documents are, as the server tells it: a stream while the page is looked at, nothing is polled. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";

import { BASE, type BaseWithCounts, send } from "@/api/client";
import { type News, listsOf, newsOf } from "@/api/documents";
import { baseOf } from "@/api/queries";
import { eventsOf } from "@/api/sse";

const AGAIN_MS = 2_000;
const LISTS_MS = 800; // between two readings of the lists

export function useProgress(base: string): News | undefined {
  const client = useQueryClient();
  const { data } = useQuery<News>({ queryKey: newsOf(base), enabled: false });
  useEffect(() => {
    let stop = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let lists: ReturnType<typeof setTimeout> | undefined;
    let last = "";

    const refresh = () => {
      lists ??= setTimeout(() => {
        lists = undefined;
        void client.invalidateQueries({ queryKey: listsOf(base) });
        void client.invalidateQueries({ queryKey: ["documents"] });
      }, LISTS_MS);
    };
    const hear = (news: News) => {
      client.setQueryData(newsOf(base), news);
      const { counts } = news.flow;
      client.setQueryData(baseOf(base).queryKey, (old: BaseWithCounts | undefined) => old && { ...old, documents: counts });
      const told = JSON.stringify([counts, news.reading.map(({ document_id }) => document_id).sort()]);
      if (last && told !== last) refresh();
      last = told;
    };
    const follow = async (signal: AbortSignal) => {
      try {
        const answer = await send(`${BASE}/knowledge/${encodeURIComponent(base)}/progress`, { signal });
        if (last) refresh(); // what happened while nobody listened
        if (answer.body) for await (const { data } of eventsOf(answer.body)) hear(JSON.parse(data) as News);
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
      clearTimeout(lists);
      document.removeEventListener("visibilitychange", see);
    };
  }, [base, client]);
  return data;
}
