/** The files on their way to the server. The queue lives outside of pages: leaving one does not stop it. */

import { useSyncExternalStore } from "react";

import { asApiError, type ApiError } from "@/api/errors";
import { queryClient } from "@/api/queries";
import { type Accepted, upload } from "@/api/upload";

const AT_ONCE = 2;

export interface Upload {
  readonly id: number;
  readonly base: string;
  readonly name: string;
  readonly file: Blob;
  readonly state: "waiting" | "sending" | "done" | "failed";
  readonly part: number;
  readonly outcome?: Accepted["outcome"];
  readonly error?: ApiError;
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

/** A free name for each file: its own, or its folders with " › " between, because a name replaces its namesake. */
export function namesFor(paths: readonly string[]): string[] {
  const own = (path: string) => path.split("/").pop() ?? path;
  const count = new Map<string, number>();
  for (const path of paths) count.set(own(path), (count.get(own(path)) ?? 0) + 1);
  return paths.map((path) => (count.get(own(path)) === 1 ? own(path) : path.split("/").filter(Boolean).join(" › ")));
}

export function enqueue(base: string, picked: readonly Picked[]): void {
  const names = namesFor(picked.map(({ path }) => path));
  const added = picked.map(
    ({ file }, index): Upload => ({ id: next++, base, name: names[index] ?? "", file, state: "waiting", part: 0 }),
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
    void queryClient.invalidateQueries({ queryKey: ["knowledge"] });
  } catch (error) {
    if (!stop.signal.aborted) change(id, { state: "failed", error: asApiError(error) });
  }
  stops.delete(id);
  pump();
}

export const uploads = {
  retry(id: number): void {
    change(id, { state: "waiting", part: 0 });
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
