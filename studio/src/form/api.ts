/** A form by its link, on the public surface. */

import { queryOptions } from "@tanstack/react-query";

import { BASE, send } from "@/api/client";
import type { Asked } from "@/form/asked";

export type LinkedForm =
  | ({ readonly state: "waiting"; readonly title: string; readonly expires_at: number } & Asked)
  | { readonly state: "submitted" | "expired"; readonly title: string };

const at = (token: string): string => `${BASE}/forms/${encodeURIComponent(token)}`;

export const linkedForm = (token: string) =>
  queryOptions({
    queryKey: ["form", token],
    queryFn: async () => (await (await send(at(token))).json()) as LinkedForm,
    staleTime: Infinity,
    refetchOnWindowFocus: false, // what was written stays
  });

export async function answerLinked(token: string, action: string, inputs: Record<string, unknown>): Promise<void> {
  await send(at(token), { method: "POST", body: JSON.stringify({ action, inputs }) });
}

export async function sendFile(address: string, file: File): Promise<{ id: string; media_type: string }> {
  const answer = await send(`${address}/files?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
  return (await answer.json()) as { id: string; media_type: string };
}

export const fileOfLinked = (token: string) => (file: File) => sendFile(at(token), file);
