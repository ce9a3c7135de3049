/** The files on their way to the server. The queue lives outside of pages: leaving one does not stop it. */

import { useSyncExternalStore } from "react";

import { asApiError, type ApiError } from "@/api/errors";
import { queryClient } from "@/api/queries";
import { type Accepted, upload } from "@/api/upload";

const AT_ONCE = 3;

export interface Upload {
  readonly id: number;
  readonly base: string;
  readonly name: string;
  readonly file: Blob;
  readonly state: "waiting" | "sending" | "done" | "failed";
  readonly part: number;
  readonly outcome?: Accepted["outcome"];
  readonly error?: ApiError | undefined;
}

export interface Picked {
  readonly path: string;
  readonly file: Blob;
}

let all: readonly Upload[] = [];
let next = 1;
const stops = new Map<number, AbortController>();
const listeners = new Set<() => void>();

function become(changed: readonly Upload[]): void {
  all = changed;
  for (const tell of listeners) tell();
}

const change = (id: number, changes: Partial<Upload>): void =>
  become(all.map((one) => (one.id === id ? { ...one, ...changes } : one)));

/** A file's name in its base: with the folders it came in, " › " between, because a name replaces its namesake and two
 *  folders may both have a README. The same folder again then renews the same documents. */
export const nameFor = (path: string): string => path.split("/").filter(Boolean).join(" › ");

export function enqueue(base: string, picked: readonly Picked[]): void {
  const added = picked.map(
    ({ path, file }): Upload => ({ id: next++, base, name: nameFor(path), file, state: "waiting", part: 0 }),
  );
  become([...all, ...added]);
  pump();
}

function pump(): void {
  const sending = all.filter(({ state }) => state === "sending").length;
  for (const one of all.filter(({ state }) => state === "waiting").slice(0, AT_ONCE - sending)) void send(one);
  window.onbeforeunload = all.some(({ state }) => state === "waiting" || state === "sending") ? () => true : null;
}

async function send({ id, base, name, file }: Upload): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  change(id, { state: "sending", part: 0 });
  try {
    const { outcome } = await upload(base, name, file, { told: (part) => change(id, { part }), signal: stop.signal });
    change(id, { state: "done", part: 1, outcome });
    refresh();
  } catch (error) {
    if (!stop.signal.aborted) change(id, { state: "failed", error: asApiError(error) });
  }
  stops.delete(id);
  pump();
}

let refreshing: ReturnType<typeof setTimeout> | undefined;

/** Lists are read anew at most once a second, however many files arrive. */
function refresh(): void {
  refreshing ??= setTimeout(() => {
    refreshing = undefined;
    void queryClient.invalidateQueries({ queryKey: ["knowledge"] });
  }, 1_000);
}

export const uploads = {
  retryFailed(): void {
    become(all.map((one) => (one.state === "failed" ? { ...one, state: "waiting", part: 0, error: undefined } : one)));
    pump();
  },
  retry(id: number): void {
    change(id, { state: "waiting", part: 0, error: undefined });
    pump();
  },
  /** Takes everything out of the list; what was on its way is stopped. */
  clear(): void {
    for (const stop of stops.values()) stop.abort();
    become([]);
    pump();
  },
};

export function useUploads(): readonly Upload[] {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => all,
  );
}

/** The files of a drop, folders with all they hold; hidden files are passed over. */
export async function filesOf(transfer: DataTransfer): Promise<Picked[]> {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  const nested = await Promise.all(entries.map((entry) => walk(entry)));
  return nested.flat();
}

async function walk(entry: FileSystemEntry): Promise<Picked[]> {
  if (entry.name.startsWith(".")) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Picked[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return found;
    for (const one of batch) found.push(...(await walk(one)));
  }
}
