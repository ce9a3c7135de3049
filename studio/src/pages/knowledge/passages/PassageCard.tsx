import { EllipsisVertical, FileSearch } from "lucide-react";
import { type ReactNode, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { Passage } from "@/api/client";
import { PassageText } from "@/pages/knowledge/PassageText";
import { reveal } from "@/pages/knowledge/passages/scrolling";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Menu, type MenuItem } from "@/ui/Menu";
import { cx } from "@/ui/classes";

interface PassageCardProps {
  passage: Passage;
  /** "3", or "3.2" of a part. */
  number: string;
  isLit: boolean;
  /** Words that are lit in it. */
  lit?: string;
  onChoose: () => void;
  /** Where it is seen in its document, on a phone. */
  onShow?: (() => void) | undefined;
  /** Whether it is chosen with others; none: it cannot be. */
  isChecked?: boolean | undefined;
  onCheck?: (() => void) | undefined;
  /** What can be done with it; the last group takes it away. */
  items?: readonly (readonly MenuItem[])[];
  /** Stands in the place of its words. */
  instead?: ReactNode;
  /** Its parts. */
  children?: ReactNode;
}

/** A passage as search sees it: its text, where it stands, how large it is, how often it was found, and what became of it. */
export function PassageCard(props: PassageCardProps) {
  const { passage, number, isLit, lit = "", onChoose, onShow, isChecked, onCheck, items = [], instead, children } = props;
  const { t } = useTranslation();
  const card = useRef<HTMLLIElement>(null);
  const isPart = passage.parent_id !== null;
  useEffect(() => {
    if (isLit) reveal(card.current, "nearest");
  }, [isLit]);
  return (
    <li
      ref={card}
      aria-current={isLit || undefined}
      className={cx(
        isPart ? "border-l-3 py-2 pr-1 pl-3" : "rounded-lg border bg-surface px-4 py-3",
        isPart && (isLit ? "border-lit bg-lit/10" : "border-line"),
        !isPart && (isLit ? "border-accent outline-1 outline-accent" : "border-line"),
      )}
    >
      <div className="mb-1.5 flex items-start gap-2">
        <p className="flex min-w-0 grow flex-wrap items-center gap-x-2.5 gap-y-1 text-sm text-muted">
          {onCheck && (
            <input
              type="checkbox"
              checked={isChecked}
              onChange={onCheck}
              aria-label={t("passages.choose", { number })}
              className="size-4 accent-accent"
            />
          )}
          <button
            type="button"
            aria-pressed={isLit}
            aria-label={t("document.passage", { number })}
            onClick={onChoose}
            className="rounded-sm bg-sunken px-1.5 font-medium text-ink tabular-nums hover:bg-accent-soft"
          >
            {number}
          </button>
          {passage.page !== null && !isPart && <span>{t("chat.page", { page: passage.page })}</span>}
          {passage.kind === "table" && <Badge>{t("document.table")}</Badge>}
          {!passage.enabled && <Badge tone="warn">{t("passages.off")}</Badge>}
          {passage.made === "edited" && <Badge tone="info">{t("passages.edited")}</Badge>}
          {passage.made === "added" && <Badge tone="info">{t("passages.byHand")}</Badge>}
          {passage.heading_path.length > 0 && !isPart && (
            <span className="min-w-0 break-words">{passage.heading_path.join(" › ")}</span>
          )}
        </p>
        {items.length > 0 && !instead && (
          <Menu
            trigger={<IconButton icon={EllipsisVertical} size="small" label={t("passages.more", { number })} className="-my-1 -mr-2" />}
            groups={items.map((group) => ({ items: group }))}
          />
        )}
      </div>
      {instead ?? (
        <>
          <div className={cx(!passage.enabled && "opacity-60")}>
            <Words passage={passage} lit={lit} />
          </div>
          {passage.keywords.length > 0 && (
            <p className="mt-2 flex flex-wrap gap-1">
              <span className="sr-only">{t("passages.keywords")}</span>
              {passage.keywords.map((word) => (
                <Badge key={word}>{word}</Badge>
              ))}
            </p>
          )}
          <p className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-xs text-muted tabular-nums">
            <span>{t("knowledge.tokens", { count: passage.tokens })}</span>
            {passage.hit_count > 0 && <span>{t("document.hits", { count: passage.hit_count })}</span>}
            {isLit && onShow && (
              <Button size="small" icon={FileSearch} onClick={onShow} className="ml-auto lg:hidden">
                {t("passages.seeThere")}
              </Button>
            )}
          </p>
        </>
      )}
      {children}
    </li>
  );
}

function Words({ passage, lit }: { passage: Passage; lit: string }) {
  const { t } = useTranslation();
  if (passage.answer === null) return <PassageText text={passage.text} lit={lit} />;
  return (
    <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-2">
      <dt className="text-sm leading-relaxed font-medium text-muted">{t("passages.question")}</dt>
      <dd className="min-w-0 font-medium">
        <PassageText text={passage.text} lit={lit} />
      </dd>
      <dt className="text-sm leading-relaxed font-medium text-muted">{t("passages.answer")}</dt>
      <dd className="min-w-0">
        <PassageText text={passage.answer} lit={lit} />
      </dd>
    </dl>
  );
}
