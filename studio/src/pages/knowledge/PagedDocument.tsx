import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Document, Passage } from "@/api/client";
import { passagesOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PageSheet } from "@/pages/knowledge/PageSheet";
import { PageTools } from "@/pages/knowledge/PageTools";
import { Beside, type Side } from "@/pages/knowledge/passages/Beside";
import { PassageList } from "@/pages/knowledge/passages/PassageList";
import { SkeletonRows } from "@/ui/States";

interface PagedDocumentProps {
  document: Document;
  page?: number | undefined;
  offset?: number | undefined;
  chosen?: string | undefined;
  quote: string;
  onMove: (to: { page?: number; offset?: number | undefined; passage?: string | undefined }) => void;
}

/** Where keys have a meaning of their own. */
const OWN_KEYS = "input, textarea, select, [role=menu], [role=dialog], [role=alertdialog], [role=listbox]";

/** A document with pages: the page on the left, what search sees of it on the right. */
export function PagedDocument({ document, page: asked, offset, chosen, quote, onMove }: PagedDocumentProps) {
  const { t } = useTranslation();
  const [zoom, setZoom] = useState(1);
  const [side, setSide] = useState<Side>("document");
  const [part, setPart] = useState<Passage | null>(null);
  const around = useQuery({ ...passagesOf(document.id, { holding: chosen ?? "" }), enabled: !asked && !!chosen });
  const own = around.data?.find(({ id }) => id === chosen);
  const page = asked ?? own?.page ?? 1;
  const isReady = asked !== undefined || !chosen || !around.isPending;
  const { data, error, refetch } = useQuery({ ...passagesOf(document.id, { page }), enabled: isReady });
  const pages = document.pages ?? 1;
  const turn = (next: number) => {
    if (next < 1 || next > pages) return;
    setPart(null);
    onMove({ page: next, passage: undefined });
  };
  const choose = (passage: Passage, of: Passage | null = null) => {
    const isHere = passage.page !== null && passage.page <= page && (passage.page_end ?? passage.page) >= page;
    setPart(of);
    onMove({ page: isHere ? page : (passage.page ?? page), offset, passage: passage.id });
  };
  const step = (by: number) => {
    if (!data) return;
    const at = data.findIndex(({ id }) => id === chosen);
    const next = data[at < 0 ? (by > 0 ? 0 : data.length - 1) : at + by];
    if (next) choose(next);
    else turn(page + by);
  };
  if (!isReady) return <SkeletonRows label={t("common.loading")} />;
  return (
    <div
      onKeyDown={(event) => {
        if ((event.target as Element).closest(OWN_KEYS) || event.altKey || event.ctrlKey || event.metaKey) return;
        if (event.key === "PageDown") turn(page + 1);
        else if (event.key === "PageUp") turn(page - 1);
        else if (event.key === "ArrowDown") step(1);
        else if (event.key === "ArrowUp") step(-1);
        else return;
        event.preventDefault();
      }}
    >
      <Beside
        side={side}
        onSide={setSide}
        document={
          <section aria-label={t("document.page")}>
            <div className="mb-2 flex min-h-9 items-center justify-center">
              <PageTools page={page} pages={pages} onPage={turn} zoom={zoom} onZoom={setZoom} />
            </div>
            {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
            <div
              tabIndex={0}
              role="group"
              data-column
              aria-label={t("document.pageOf", { page })}
              className="scroll-quiet overflow-auto rounded-lg border border-line bg-sunken p-2 sm:p-4 lg:max-h-[calc(100dvh-10rem)]"
            >
              <PageSheet
                document={document.id}
                page={page}
                passages={data ?? []}
                chosen={chosen}
                onChoose={(id) => {
                  const found = data?.find((one) => one.id === id);
                  if (found) choose(found);
                  setSide("passages");
                }}
                quote={part?.text ?? quote}
                zoom={zoom}
              />
            </div>
          </section>
        }
        passages={
          <PassageList
            document={document}
            page={page}
            offset={offset}
            chosen={chosen}
            part={part?.id}
            quote={quote}
            onChoose={(passage, of) => choose(passage, of ?? null)}
            onOffset={(to) => onMove({ page, offset: to, passage: chosen })}
            onShow={() => setSide("document")}
          />
        }
      />
    </div>
  );
}
