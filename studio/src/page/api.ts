/** What the public page asks beside what every chat asks. */

import { queryOptions } from "@tanstack/react-query";

import { BASE, send } from "@/api/client";

export interface PublicApp {
  readonly title: string;
  readonly welcome: string;
  readonly description: string;
  readonly icon: string;
  readonly icon_background: string;
  readonly suggested_questions: readonly string[];
  readonly citations: boolean;
  readonly language: string;
  readonly most_letters: number;
}

export const publicApp = (code: string) =>
  queryOptions({
    queryKey: ["public", code],
    queryFn: async () => (await (await send(`${BASE}/apps/${encodeURIComponent(code)}`)).json()) as PublicApp,
    staleTime: 60_000,
  });
