import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { RotateCw } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { Document, Passage } from "@/api/client";
import { PAGE, baseOf, documentOf, passagesOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useFormat } from "@/i18n/format";
import { useRetry } from "@/pages/knowledge/Documents";
import { PassageText } from "@/pages/knowledge/PassageText";
import { DocumentState } from "@/pages/knowledge/State";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { PageHead } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

const route = getRouteApi("/inside/knowledge/$base/documents/$document");

/** One document: what became of it, and its passages as search sees them. */
export function DocumentPage() {
  const { t } = useTranslation();
  const { base, document: id } = route.useParams();
  const { data: parent } = useQuery(baseOf(base));
  const { data: document, error, refetch } = useQuery(documentOf(id));
  const retry = useRetry();
  useCrumbs(
    { label: t("nav.knowledge"), to: "/knowledge" },
    { label: parent?.base.name ?? "", to: `/knowledge/${base}` },
    { label: document?.name ?? "" },
  );
  return (
    <Page>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!document && !error && <SkeletonRows label={t("common.loading")} />}
      {document && (
        <>
          <PageHead title={document.name} hint={<Facts document={document} />} actions={<DocumentState document={document} />} />
          {document.state === "failed" && (
            <div className="mb-4 rounded-lg border border-bad/30 bg-bad-soft px-4 py-3">
              <p className="font-medium">{document.error_message}</p>
              <p className="mt-0.5 text-muted">{document.error_hint}</p>
              <p className="mt-3 flex items-center gap-3">
                <Button
                  size="small"
                  icon={RotateCw}
                  busy={retry.isPending}
                  onClick={() => retry.mutate(document.id, { onSettled: () => void refetch() })}
                >
                  {t("common.retry")}
                </Button>
                <code className="font-mono text-xs text-muted">{document.error_code}</code>
              </p>
            </div>
          )}
          <Passages document={document} />
        </>
      )}
    </Page>
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

function Passages({ document }: { document: Document }) {
  const { t } = useTranslation();
  const { passage, offset = 0 } = route.useSearch();
  const go = route.useNavigate();
  const { data, error, refetch } = useQuery(passagesOf(document.id, offset));
  const move = (next: number) => void go({ search: { offset: next || undefined, passage: undefined } });
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  if (data.length === 0) return <p className="py-6 text-muted">{t("knowledge.noPassages")}</p>;
  return (
    <>
      <ol className="flex flex-col gap-3">
        {data.map((one) => (
          <PassageCard key={one.id} passage={one} isLit={one.id === passage} />
        ))}
      </ol>
      {(offset > 0 || data.length === PAGE) && (
        <nav aria-label={t("pages.label")} className="mt-4 flex justify-end gap-2">
          <Button size="small" disabled={offset === 0} onClick={() => move(Math.max(0, offset - PAGE))}>
            {t("pages.before")}
          </Button>
          <Button size="small" disabled={data.length < PAGE} onClick={() => move(offset + PAGE)}>
            {t("pages.next")}
          </Button>
        </nav>
      )}
    </>
  );
}

function PassageCard({ passage, isLit }: { passage: Passage; isLit: boolean }) {
  const { t } = useTranslation();
  const card = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isLit) card.current?.scrollIntoView({ block: "center" });
  }, [isLit]);
  return (
    <li
      ref={card}
      aria-current={isLit || undefined}
      className={cx("rounded-lg border bg-surface px-4 py-3", isLit ? "border-accent outline-1 outline-accent" : "border-line")}
    >
      <p className="mb-1.5 flex flex-wrap gap-x-3 text-sm text-muted">
        <span className="font-medium text-ink tabular-nums">{passage.ordinal + 1}</span>
        {passage.page !== null && <span>{t("chat.page", { page: passage.page })}</span>}
        {passage.heading_path.length > 0 && <span className="min-w-0 break-words">{passage.heading_path.join(" › ")}</span>}
        <span className="ml-auto text-faint tabular-nums">{t("knowledge.tokens", { count: passage.tokens })}</span>
      </p>
      <PassageText text={passage.text} />
    </li>
  );
}
