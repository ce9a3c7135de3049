/** What is asked of a source of each kind, and where it is in one line. */

import type { Source, SourceKind } from "@/api/sources";

export const KINDS = ["folder", "urls", "s3"] as const satisfies readonly SourceKind[];
export const EVERY = [0, 60, 360, 1440, 10_080] as const;

export interface Draft {
  readonly kind: SourceKind;
  readonly name: string;
  readonly every: number;
  /** Fields as they are typed; lists have one item a line. */
  readonly fields: Readonly<Record<string, string>>;
}

interface Asked {
  readonly name: string;
  readonly list?: true;
  readonly optional?: true;
  readonly secret?: true;
}

export const FIELDS: Readonly<Record<SourceKind, readonly Asked[]>> = {
  folder: [{ name: "path" }, { name: "include", list: true, optional: true }],
  urls: [{ name: "urls", list: true }],
  s3: [
    { name: "endpoint" },
    { name: "bucket" },
    { name: "prefix", optional: true },
    { name: "region", optional: true },
    { name: "access_key", optional: true },
    { name: "secret_key", optional: true, secret: true },
    { name: "session_token", optional: true, secret: true },
  ],
};

const asTyped = (value: unknown): string => (Array.isArray(value) ? value.join("\n") : typeof value === "string" ? value : "");

export const draftOf = (source: Source | null): Draft => ({
  kind: source?.kind ?? "urls",
  name: source?.name ?? "",
  every: source?.every_minutes ?? 0,
  fields: Object.fromEntries(Object.entries(source?.settings ?? {}).map(([name, value]) => [name, asTyped(value)])),
});

/** The settings and secrets as the server takes them; what is empty is left out. */
export function writtenOf({ kind, fields }: Draft): { settings: Record<string, unknown>; secrets: Record<string, string> } {
  const settings: Record<string, unknown> = {};
  const secrets: Record<string, string> = {};
  for (const { name, list, secret } of FIELDS[kind]) {
    const typed = (fields[name] ?? "").trim();
    if (!typed) continue;
    if (secret) secrets[name] = typed;
    else settings[name] = list ? typed.split(/\n/).map((line) => line.trim()).filter(Boolean) : typed;
  }
  return { settings, secrets };
}

/** Where it is; of addresses the first, `more` says how many follow. */
export function placeOf({ kind, settings }: Source): { place: string; more: number } {
  if (kind === "folder") return { place: asTyped(settings.path), more: 0 };
  if (kind === "s3") return { place: [settings.endpoint, settings.bucket, settings.prefix].map(asTyped).filter(Boolean).join("/"), more: 0 };
  const urls = asTyped(settings.urls).split("\n");
  return { place: urls[0] ?? "", more: urls.length - 1 };
}
