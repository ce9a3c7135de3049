import { FileText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { BASE } from "@/api/client";
import { useFormat } from "@/i18n/format";
import type { Attached } from "@/pages/chat/exchange";
import { Dialog } from "@/ui/Dialog";

const addressOf = (app: string, file: Attached): string => `${BASE}/apps/${encodeURIComponent(app)}/files/${file.id}`;

/** The files of a question: images to look at, documents to fetch. */
export function FileTiles({ app, files }: { app: string; files: readonly Attached[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [large, setLarge] = useState<Attached | null>(null);
  return (
    <>
      <ul aria-label={t("chat.files.title")} className="flex max-w-[88%] flex-wrap justify-end gap-2">
        {files.map((file) => (
          <li key={file.id} className="max-w-full">
            {file.is_image ? (
              <button
                type="button"
                onClick={() => setLarge(file)}
                aria-label={t("chat.files.enlarge", { name: file.name })}
                className="block overflow-hidden rounded-lg border border-line bg-sunken hover:border-control"
              >
                <img src={addressOf(app, file)} alt={file.name} loading="lazy" className="h-32 max-w-64 object-contain" />
              </button>
            ) : (
              <a
                href={addressOf(app, file)}
                download={file.name}
                className="inline-flex max-w-full items-center gap-2 rounded-lg border border-line bg-surface px-3 py-2 text-sm hover:border-control"
              >
                <FileText size={16} className="shrink-0 text-accent-ink" aria-hidden />
                <span className="truncate">{file.name}</span>
                <span className="shrink-0 text-faint">{format.bytes(file.size)}</span>
              </a>
            )}
          </li>
        ))}
      </ul>
      <Dialog open={large !== null} onClose={() => setLarge(null)} title={large?.name ?? ""} closeLabel={t("common.close")} wide>
        {large && <img src={addressOf(app, large)} alt={large.name} className="mx-auto max-h-[70dvh] max-w-full object-contain" />}
      </Dialog>
    </>
  );
}
