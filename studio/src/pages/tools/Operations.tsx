import { TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Preview } from "@/api/client";
import { Badge, type Tone } from "@/ui/Badge";

const TONES: Readonly<Record<string, Tone>> = { get: "info", post: "good", delete: "bad" };

/** What a document describes: its operations, and what could not be made a tool and why. */
export function Operations({ preview }: { preview: Preview }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t("tools.operations")} className="rounded-md border border-line">
      <header className="border-b border-line px-4 py-2.5">
        <p className="flex flex-wrap items-center gap-2 font-medium">
          {preview.title || t("tools.untitled")}
          {preview.version && <Badge>{preview.version}</Badge>}
          <Badge tone="accent">{t("tools.count", { count: preview.operations.length })}</Badge>
        </p>
        {preview.description && <p className="mt-0.5 line-clamp-2 text-sm text-muted">{preview.description}</p>}
      </header>
      <ul tabIndex={0} aria-label={t("tools.operations")} className="scroll-quiet max-h-56 overflow-y-auto">
        {preview.operations.map((one) => (
          <li key={one.name} className="flex items-start gap-2.5 border-b border-line px-4 py-2 last:border-b-0">
            <span className="mt-0.5 w-14 shrink-0">
              <Badge tone={TONES[one.method] ?? "warn"}>{one.method.toUpperCase()}</Badge>
            </span>
            <span className="min-w-0 grow">
              <span className="block font-mono text-sm break-all">{one.path}</span>
              {one.summary && <span className="block text-sm break-words text-muted">{one.summary}</span>}
            </span>
          </li>
        ))}
      </ul>
      {preview.skipped.length > 0 && (
        <div className="border-t border-line bg-warn-soft px-4 py-2.5 text-sm">
          <p className="flex items-center gap-2 font-medium text-warn">
            <TriangleAlert size={15} aria-hidden />
            {t("tools.skipped", { count: preview.skipped.length })}
          </p>
          <ul className="mt-1 flex max-h-28 flex-col gap-1 overflow-y-auto" tabIndex={0} aria-label={t("tools.skipped", { count: preview.skipped.length })}>
            {preview.skipped.map(({ what, why }, index) => (
              <li key={index} className="break-words" lang="en">
                <code className="font-mono">{what}</code>: {why}
              </li>
            ))}
          </ul>
        </div>
      )}
    </section>
  );
}
