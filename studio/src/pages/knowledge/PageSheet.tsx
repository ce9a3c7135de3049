import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Passage } from "@/api/client";
import { pageAddress, wordsOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { type Rect, boxesOn, litLines } from "@/pages/knowledge/lit";
import { reveal } from "@/pages/knowledge/passages/scrolling";
import { cx } from "@/ui/classes";

const WIDTHS = [600, 1200, 1800, 2400] as const; // few, so that the browser keeps them
const A4 = 842 / 595;

interface PageSheetProps {
  document: string;
  page: number;
  /** Whose places are shown. */
  passages: readonly Passage[];
  chosen?: string | undefined;
  onChoose?: (passage: string) => void;
  /** Words of the chosen passage that are lit; empty: the passage as a whole. */
  quote?: string;
  /** Of the room there is: 1 fills it. */
  zoom?: number;
}

/** A page as it was printed, with its passages laid over it. */
export function PageSheet({ document, page, passages, chosen, onChoose, quote = "", zoom = 1 }: PageSheetProps) {
  const { t } = useTranslation();
  const { data: words, error, refetch } = useQuery(wordsOf(document, page));
  const frame = useRef<HTMLDivElement>(null);
  const [room, setRoom] = useState(0);
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [document, page]);
  useEffect(() => {
    const element = frame.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setRoom(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const lit = passages.find(({ id }) => id === chosen);
  const marks = useMemo(
    () => (words && lit && quote ? litLines(words.words, quote, boxesOn(lit.boxes, page)) : []),
    [words, lit, quote, page],
  );
  const scale = Math.min(3, window.devicePixelRatio || 1);
  const width = WIDTHS.find((one) => one >= room * zoom * scale) ?? 2400;
  const ratio = words ? words.height / words.width : A4;
  const place = ({ x0, top, x1, bottom }: Rect, air = 0) => ({
    left: `${((x0 - air) / (words?.width ?? 1)) * 100}%`,
    top: `${((top - air) / (words?.height ?? 1)) * 100}%`,
    width: `${((x1 - x0 + 2 * air) / (words?.width ?? 1)) * 100}%`,
    height: `${((bottom - top + 2 * air) / (words?.height ?? 1)) * 100}%`,
  });
  const first = useRef<HTMLElement>(null);
  useEffect(() => {
    reveal(first.current, "center");
  }, [chosen, marks, words]);
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  return (
    <div ref={frame} className="min-w-0">
      <div
        className="relative mx-auto bg-white shadow-low"
        style={{ width: `${zoom * 100}%`, aspectRatio: `1 / ${ratio}` }}
        data-page={page}
      >
        {room > 0 && !failed && (
          <img
            src={pageAddress(document, page, width)}
            alt={t("document.pageOf", { page })}
            draggable={false}
            onError={() => setFailed(true)}
            className="absolute inset-0 size-full"
          />
        )}
        {failed && (
          <p className="absolute inset-0 flex items-center justify-center p-6 text-center text-bad">{t("document.noImage")}</p>
        )}
        {words &&
          passages.flatMap((one) =>
            boxesOn(one.boxes, page).map((box, index) => {
              const isLit = one.id === chosen;
              const style = place(box, 3);
              const look = cx(
                "absolute rounded-sm transition-colors duration-(--quick)",
                isLit
                  ? cx("border-2 border-lit", marks.length === 0 && "bg-lit/25")
                  : "border border-lit/0 hover:border-lit/70 hover:bg-lit/10",
              );
              const key = `${one.id}/${index}`;
              const anchor = isLit && index === 0 && marks.length === 0 ? first : undefined;
              if (!onChoose) return isLit ? <span key={key} ref={anchor as never} className={look} style={style} aria-hidden /> : null;
              return (
                <button
                  key={key}
                  ref={anchor as never}
                  type="button"
                  tabIndex={index === 0 ? 0 : -1}
                  aria-label={t("document.passage", { number: one.ordinal + 1 })}
                  aria-pressed={isLit}
                  onClick={() => onChoose(one.id)}
                  className={look}
                  style={style}
                />
              );
            }),
          )}
        {words &&
          marks.map((box, index) => (
            <mark
              key={index}
              ref={index === 0 ? first : undefined}
              data-lit
              aria-hidden
              className="pointer-events-none absolute rounded-sm bg-lit/40 mix-blend-multiply"
              style={place(box, 1)}
            />
          ))}
      </div>
    </div>
  );
}
