import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Document, Passage } from "@/api/client";
import { PASSAGES, passagesOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PassageText } from "@/pages/knowledge/PassageText";
import { Beside, type Side } from "@/pages/knowledge/passages/Beside";
import { PassageList } from "@/pages/knowledge/passages/PassageList";
import { reveal } from "@/pages/knowledge/passages/scrolling";
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

/** A document without pages: its text in reading order, each passage a stretch of it, beside the list of them. */
export function ReadDocument({ document, offset, chosen, quote, onMove }: ReadDocumentProps) {
  const [side, setSide] = useState<Side>("document");
  const [part, setPart] = useState<Passage | null>(null);
  const choose = (passage: Passage, of?: Passage) => {
    const start = Math.floor(passage.ordinal / PASSAGES) * PASSAGES;
    setPart(of ?? null);
    onMove({ offset: start || undefined, passage: passage.id });
  };
  const turn = (to: number | undefined) => onMove({ offset: to, passage: undefined });
  return (
    <Beside
      side={side}
      onSide={setSide}
      document={
        <Text
          document={document}
          offset={offset}
          chosen={chosen}
          quote={part?.text ?? quote}
          onChoose={(passage) => {
            choose(passage);
            setSide("passages");
          }}
          onOffset={turn}
        />
      }
      passages={
        <PassageList
          document={document}
          offset={offset}
          chosen={chosen}
          part={part?.id}
          quote={quote}
          onChoose={choose}
          onOffset={turn}
          onShow={() => setSide("document")}
        />
      }
    />
  );
}

interface TextProps extends Omit<ReadDocumentProps, "onMove"> {
  onChoose: (passage: Passage) => void;
  onOffset: (offset: number | undefined) => void;
}

function Text({ document, offset, chosen, quote, onChoose, onOffset }: TextProps) {
  const { t } = useTranslation();
  const holding = offset === undefined && chosen ? chosen : undefined;
  const { data, error, refetch } = useQuery(passagesOf(document.id, { offset, holding }));
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  if (data.length === 0) return <p className="py-6 text-muted">{t("knowledge.noPassages")}</p>;
  const start = data[0]?.ordinal ?? 0;
  const byId = new Map(data.map((one) => [one.id, one]));
  return (
    <section aria-label={t("passages.side.document")} className="flex flex-col lg:max-h-[calc(100dvh-7rem)]">
      <div
        data-column
        tabIndex={0}
        role="group"
        aria-label={t("passages.side.document")}
        className="scroll-quiet min-h-0 rounded-lg border border-line bg-surface px-3 py-5 sm:px-6 lg:overflow-y-auto"
      >
        {blocksOf(data).map((block) => {
          const passage = byId.get(block.id);
          return (
            <Stretch
              key={block.id}
              block={block}
              passage={passage}
              isLit={block.id === chosen}
              quote={quote}
              onChoose={() => passage && onChoose(passage)}
            />
          );
        })}
      </div>
      {document.chunk_count > PASSAGES && (
        <nav aria-label={t("pages.label")} className="mt-3 flex justify-end gap-2">
          <Button size="small" disabled={start === 0} onClick={() => onOffset(Math.max(0, start - PASSAGES) || undefined)}>
            {t("pages.before")}
          </Button>
          <Button size="small" disabled={start + data.length >= document.chunk_count} onClick={() => onOffset(start + PASSAGES)}>
            {t("pages.next")}
          </Button>
        </nav>
      )}
    </section>
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
    if (isLit) reveal(here.current, "center");
  }, [isLit]);
  return (
    <>
      {block.headings.map(({ level, text }) => (
        <Heading key={`${level}${text}`} level={level} text={text} />
      ))}
      <div
        ref={here}
        aria-current={isLit || undefined}
        className={cx(
          "group flex gap-3 rounded-md border-l-3 py-1.5 pr-2 pl-3",
          isLit ? "border-lit bg-lit/10" : "border-transparent",
          passage && !passage.enabled && "opacity-60",
        )}
      >
        <div className="min-w-0 grow">
          <PassageText text={block.text} lit={isLit ? quote : ""} />
          {passage?.answer != null && <p className="mt-1 border-l border-line pl-3 leading-relaxed whitespace-pre-wrap text-muted">{passage.answer}</p>}
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
