/** A file for a question, with progress: XMLHttpRequest, because fetch does not tell how much was sent. */

import { BASE, type Message } from "@/api/client";
import { connection } from "@/api/connection";
import { errorOf, unreachable } from "@/api/errors";

export type Attached = Message["files"][number];

/** `told` is called with the part that was sent, 0..1. Rejects with ApiError, or AbortError by `signal`. */
export function attach(app: string, file: File, { told, signal }: { told: (part: number) => void; signal: AbortSignal }): Promise<Attached> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${BASE}/apps/${encodeURIComponent(app)}/files?name=${encodeURIComponent(file.name)}`);
    request.upload.onprogress = (event) => told(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      connection.reached();
      if (request.status >= 200 && request.status < 300) resolve(JSON.parse(request.responseText) as Attached);
      else reject(errorOf(request.status, request.responseText, request.getResponseHeader("x-request-id")));
    };
    request.onerror = () => {
      connection.lost();
      reject(unreachable());
    };
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(file);
  });
}
