import { BASE, send } from "@/api/client";

/** Saves a conversation as a file. `message`: the last one of the branch to write. Throws ApiError. */
export async function download(app: string, conversation: string, format: "markdown" | "json", message?: string | null): Promise<void> {
  const query = new URLSearchParams({ format, ...(message && { message }) });
  const answer = await send(`${BASE}/apps/${encodeURIComponent(app)}/conversations/${conversation}/export?${query.toString()}`);
  const name = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name ? decodeURIComponent(name) : `${conversation}.${format === "json" ? "json" : "md"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
