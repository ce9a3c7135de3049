/** A call of a webhook, ready to be pasted. The secret stands in the environment, so that none ends in a repository. */

import type { Trigger } from "@/api/client";

type Webhook = NonNullable<Trigger["webhook"]>;

const SAMPLES: Record<string, unknown> = { number: 1, boolean: true, object: {} };

const sampleOf = (type: string): unknown => SAMPLES[type] ?? (type.startsWith("array") ? [] : "…");
const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export function curlOf(webhook: Webhook, server: string): string {
  const parts = (where: string) => webhook.declared.filter((part) => part.where === where);
  const query = new URLSearchParams(parts("query").map(({ name, type }) => [name, String(sampleOf(type))])).toString();
  const lines = [`curl -X ${webhook.method} ${quoted(`${server}${webhook.path}${query && `?${query}`}`)}`];
  if (webhook.needs_secret) lines.push('-H "Authorization: Bearer $WEBHOOK_SECRET"');
  for (const { name } of parts("header")) lines.push(`-H ${quoted(`${name}: …`)}`);
  const fields = parts("body");
  const asForm = (flag: string) => fields.map(({ name, type }) => `${flag} ${quoted(`${name}=${type === "file" ? "@file" : "…"}`)}`);
  if (webhook.method !== "GET" && webhook.method !== "HEAD") {
    switch (webhook.content_type) {
      case "application/json":
        lines.push(`-H ${quoted("Content-Type: application/json")}`);
        lines.push(`-d ${quoted(JSON.stringify(Object.fromEntries(fields.map(({ name, type }) => [name, sampleOf(type)]))))}`);
        break;
      case "multipart/form-data":
        lines.push(...asForm("-F"));
        break;
      case "application/x-www-form-urlencoded":
        lines.push(...asForm("--data-urlencode"));
        break;
      default:
        lines.push(`-H ${quoted(`Content-Type: ${webhook.content_type}`)}`, "--data-binary @file");
    }
  }
  return lines.join(" \\\n  ");
}
