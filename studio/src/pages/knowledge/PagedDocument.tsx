import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Document } from "@/api/client";
import { passagesOf, passagesOnPage } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PageSheet } from "@/pages/knowledge/PageSheet";
import { PageTools } from "@/pages/knowledge/PageTools";
import { PassageCard } from "@/pages/knowledge/PassageCard";
import { SkeletonRows } from "@/ui/States";

interface PagedDocumentProps {
  document: Document;
  page?: number | undefined;
  chosen?: string | undefined;
  quote: string;
  onMove: (to: { page?: number; passage?: string | undefined }) => void;
}

/** A document with pages: the page on the left, what search sees of it on the right. */
export function PagedDocument({ document, page: asked, chosen, quote, onMove }: PagedDocumentProps) {
  const { t } = useTranslation();
  const [zoom, setZoom] = useState(1);
  const around = useQuery({ ...passagesOf(document.id, { holding: chosen ?? "" }), enabled: !asked && !!chosen });
  const own = around.data?.find(({ id }) => id === chosen);
  const page = asked ?? own?.page ?? 1;
  const isReady = asked !== undefined || !chosen || !around.isPending;
  const { data, error, refetch } = useQuery({ ...passagesOnPage(document.id, page), enabled: isReady });
  const pages = document.pages ?? 1;
  const turn = (next: number) => next >= 1 && next <= pages && onMove({ page: next, passage: undefined });
  const choose = (passage: string) => onMove({ page, passage });
  const step = (by: number) => {
    if (!data) return;
    const at = data.findIndex(({ id }) => id === chosen);
    const next = data[at < 0 ? (by > 0 ? 0 : data.length - 1) : at + by];
    if (next) choose(next.id);
    else turn(page + by);
  };
  if (!isReady) return <SkeletonRows label={t("common.loading")} />;
  return (
    <div
      className="flex flex-col gap-4 lg:flex-row lg:items-start"
      onKeyDown={(event) => {
        if (event.target instanceof HTMLInputElement || event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === "PageDown") turn(page + 1);
        else if (event.key === "PageUp") turn(page - 1);
        else if (event.key === "ArrowDown") step(1);
        else if (event.key === "ArrowUp") step(-1);
        else return;
        event.preventDefault();
      }}
    >
      <section aria-label={t("document.page")} className="min-w-0 grow lg:sticky lg:top-4 lg:w-3/5">
        <div className="mb-2 flex justify-center">
          <PageTools page={page} pages={pages} onPage={turn} zoom={zoom} onZoom={setZoom} />
        </div>
        <div
          tabIndex={0}
          role="group"
          aria-label={t("document.pageOf", { page })}
          className="scroll-quiet overflow-auto rounded-lg border border-line bg-sunken p-2 sm:p-4 lg:max-h-[calc(100dvh-10rem)]"
        >
          <PageSheet
            document={document.id}
            page={page}
            passages={data ?? []}
            chosen={chosen}
            onChoose={choose}
            quote={quote}
            zoom={zoom}
          />
        </div>
      </section>
      <section aria-label={t("knowledge.passages")} className="min-w-0 lg:w-2/5">
        <p className="mb-2 flex h-7 items-center text-sm text-muted">
          {data && t("document.onPage", { count: data.length })}
        </p>
        {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
        {!data && !error && <SkeletonRows label={t("common.loading")} />}
        <ol className="flex flex-col gap-3">
          {data?.map((one) => (
            <PassageCard key={one.id} passage={one} isLit={one.id === chosen} quote={quote} onChoose={choose} />
          ))}
        </ol>
      </section>
    </div>
  );
}
