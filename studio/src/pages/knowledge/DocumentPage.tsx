import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Clock, Download } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Document } from "@/api/client";
import { documentOf, hasPages, originalAddress } from "@/api/documents";
import { baseOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useFormat } from "@/i18n/format";
import { FailedDocument } from "@/pages/knowledge/FailedDocument";
import { PagedDocument } from "@/pages/knowledge/PagedDocument";
import { ReadDocument } from "@/pages/knowledge/ReadDocument";
import { DocumentState } from "@/pages/knowledge/State";
import { useProgress } from "@/pages/knowledge/useProgress";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { PageHead } from "@/ui/Panel";
import { buttonLook } from "@/ui/Button";

const route = getRouteApi("/inside/knowledge/$base/documents/$document");

/** One document: its pages or its text, with the passages that search sees in it. */
export function DocumentPage() {
  const { t } = useTranslation();
  const { base, document: id } = route.useParams();
  const search = route.useSearch();
  const go = route.useNavigate();
  const { data: parent } = useQuery(baseOf(base));
  const { data: document, error, refetch } = useQuery(documentOf(id));
  const news = useProgress(base);
  const now = news?.reading.find(({ document_id }) => document_id === id);
  useCrumbs(
    { label: t("nav.knowledge"), to: "/knowledge" },
    { label: parent?.base.name ?? "", to: `/knowledge/${base}` },
    { label: document?.name ?? "" },
  );
  const move = (to: { page?: number; offset?: number | undefined; passage?: string | undefined }) =>
    void go({ search: { ...to }, replace: true, resetScroll: false });
  const view = { document: document as Document, chosen: search.passage, quote: search.quote ?? "", onMove: move };
  return (
    <div className="mx-auto max-w-7xl px-4 py-6 sm:px-6">
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!document && !error && <SkeletonRows label={t("common.loading")} />}
      {document && (
        <>
          <PageHead
            title={document.name}
            hint={<Facts document={document} />}
            actions={
              <div className="flex items-center gap-3">
                {document.state !== "ready" && <DocumentState document={now ? { ...document, ...now } : document} />}
                <a href={originalAddress(id)} download className={buttonLook()}>
                  <Download size={15} aria-hidden />
                  {t("document.original")}
                </a>
              </div>
            }
          />
          {document.state === "failed" && <FailedDocument document={document} />}
          {document.warnings.map((warning) => (
            <p key={warning} className="mb-4 rounded-md bg-warn-soft px-3 py-2 text-warn">
              {warning}
            </p>
          ))}
          {hasPages(document) && <PagedDocument {...view} page={search.page} offset={search.offset} />}
          {!hasPages(document) && document.chunk_count > 0 && <ReadDocument {...view} offset={search.offset} />}
          {!hasPages(document) && document.chunk_count === 0 && document.state !== "failed" && (
            <EmptyState icon={Clock} title={t("knowledge.noPassages")} text={t("document.reading")} />
          )}
        </>
      )}
    </div>
  );
}

function Facts({ document }: { document: Document }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [
    format.bytes(document.size),
    document.pages ? t("knowledge.pages", { count: document.pages }) : "",
    document.chunk_count ? t("knowledge.passageCount", { count: document.chunk_count }) : "",
    document.token_count ? t("knowledge.tokens", { count: document.token_count }) : "",
    format.date(document.created_at),
  ];
  return <>{facts.filter(Boolean).join(" · ")}</>;
}
