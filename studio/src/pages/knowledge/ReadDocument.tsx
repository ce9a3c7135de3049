import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { Document, Passage } from "@/api/client";
import { PASSAGES, passagesOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PassageText } from "@/pages/knowledge/PassageText";
import { type Block, blocksOf } from "@/pages/knowledge/reading";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

interface ReadDocumentProps {
  document: Document;
  offset?: number | undefined;
  chosen?: string | undefined;
  quote: string;
  onMove: (to: { offset?: number | undefined; passage?: string | undefined }) => void;
}

/** A document without pages: its text in reading order, each passage a stretch of it. */
export function ReadDocument({ document, offset, chosen, quote, onMove }: ReadDocumentProps) {
  const { t } = useTranslation();
  const holding = offset === undefined && chosen ? chosen : undefined;
  const { data, error, refetch } = useQuery(passagesOf(document.id, { offset, holding }));
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  if (data.length === 0) return <p className="py-6 text-muted">{t("knowledge.noPassages")}</p>;
  const start = data[0]?.ordinal ?? 0;
  const byId = new Map(data.map((one) => [one.id, one]));
  return (
    <>
      <div className="mx-auto max-w-4xl rounded-lg border border-line bg-surface px-3 py-5 sm:px-6">
        {blocksOf(data).map((block) => (
          <Stretch
            key={block.id}
            block={block}
            passage={byId.get(block.id)}
            isLit={block.id === chosen}
            quote={quote}
            onChoose={() => onMove({ offset: start || undefined, passage: block.id })}
          />
        ))}
      </div>
      {document.chunk_count > PASSAGES && (
        <nav aria-label={t("pages.label")} className="mt-4 flex justify-end gap-2">
          <Button size="small" disabled={start === 0} onClick={() => onMove({ offset: Math.max(0, start - PASSAGES) })}>
            {t("pages.before")}
          </Button>
          <Button
            size="small"
            disabled={start + data.length >= document.chunk_count}
            onClick={() => onMove({ offset: start + PASSAGES })}
          >
            {t("pages.next")}
          </Button>
        </nav>
      )}
    </>
  );
}

interface StretchProps {
  block: Block;
  passage: Passage | undefined;
  isLit: boolean;
  quote: string;
  onChoose: () => void;
}

function Stretch({ block, passage, isLit, quote, onChoose }: StretchProps) {
  const { t } = useTranslation();
  const here = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (isLit) here.current?.scrollIntoView({ block: "center" });
  }, [isLit]);
  return (
    <>
      {block.headings.map(({ level, text }) => (
        <Heading key={`${level}${text}`} level={level} text={text} />
      ))}
      <div
        ref={here}
        aria-current={isLit || undefined}
        className={cx("group flex gap-3 rounded-md border-l-3 py-1.5 pr-2 pl-3", isLit ? "border-lit bg-lit/10" : "border-transparent")}
      >
        <div className="min-w-0 grow">
          <PassageText text={block.text} lit={isLit ? quote : ""} />
          {isLit && passage && (
            <p className="mt-2 flex flex-wrap gap-2 text-xs text-muted tabular-nums">
              {passage.kind === "table" && <Badge>{t("document.table")}</Badge>}
              <span>{t("knowledge.tokens", { count: passage.tokens })}</span>
              {passage.hit_count > 0 && <span>{t("document.hits", { count: passage.hit_count })}</span>}
            </p>
          )}
        </div>
        <button
          type="button"
          aria-pressed={isLit}
          aria-label={t("document.passage", { number: block.ordinal + 1 })}
          onClick={onChoose}
          className="h-6 min-w-7 shrink-0 rounded-sm px-1.5 text-xs text-faint tabular-nums hover:bg-hover hover:text-ink"
        >
          {block.ordinal + 1}
        </button>
      </div>
    </>
  );
}

function Heading({ level, text }: { level: number; text: string }) {
  const Tag = (["h2", "h3", "h4", "h5"] as const)[Math.min(level, 4) - 1] ?? "h5";
  return (
    <Tag className={cx("mt-5 mb-1.5 pl-3.5 font-semibold first:mt-0", level === 1 ? "text-lg" : level === 2 ? "text-md" : "text-base")}>
      {text}
    </Tag>
  );
}
