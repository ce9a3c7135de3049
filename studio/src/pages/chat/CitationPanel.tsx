import { Link } from "@tanstack/react-router";
import { ArrowUpRight } from "lucide-react";
import { Suspense, lazy } from "react";
import { useTranslation } from "react-i18next";

import type { Citation } from "@/api/ask";
import { useFormat } from "@/i18n/format";
import { PassageText } from "@/pages/knowledge/PassageText";
import { SidePanel } from "@/ui/Dialog";

const CitedPage = lazy(() => import("@/pages/knowledge/CitedPage").then((found) => ({ default: found.CitedPage })));

/** The page and the passage behind a citation, the quoted words lit, and the way to its document. */
export function CitationPanel({ citation, onClose }: { citation: Citation | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <SidePanel
      wide
      open={citation !== null}
      onClose={onClose}
      closeLabel={t("common.close")}
      title={citation ? `${citation.position} · ${citation.document}` : ""}
      hint={citation && <Where citation={citation} />}
    >
      {citation && <Body citation={citation} />}
    </SidePanel>
  );
}

function Where({ citation }: { citation: Citation }) {
  const { t } = useTranslation();
  const page = citation.page !== null ? [t("chat.page", { page: citation.page })] : [];
  return <>{[citation.knowledge, ...page, ...citation.heading_path].join(" › ")}</>;
}

function Body({ citation }: { citation: Citation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const scores = [
    [t("score.dense"), citation.scores.dense, 3],
    [t("score.keyword"), citation.scores.keyword, 2],
    [t("score.fused"), citation.score, 3],
  ] as const;
  return (
    <>
      <Suspense>
        <CitedPage key={citation.chunk_id} citation={citation} />
      </Suspense>
      <PassageText text={citation.text} lit={citation.quote} />
      <dl className="mt-5 grid grid-cols-3 gap-2 border-t border-line pt-4">
        {scores.map(([label, value, digits]) => (
          <div key={label}>
            <dt className="text-xs text-muted">{label}</dt>
            <dd className="text-base font-medium tabular-nums">{value == null ? "–" : format.number(value, digits)}</dd>
          </div>
        ))}
      </dl>
      <Link
        to="/knowledge/$base/documents/$document"
        params={{ base: citation.knowledge_id, document: citation.document_id }}
        search={{ passage: citation.chunk_id, quote: citation.quote || undefined }}
        className="mt-5 inline-flex items-center gap-1 font-medium text-accent-ink underline underline-offset-2"
      >
        {t("chat.openDocument")}
        <ArrowUpRight size={15} aria-hidden />
      </Link>
    </>
  );
}
