import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { Passage } from "@/api/client";
import { PassageText } from "@/pages/knowledge/PassageText";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/classes";

interface PassageCardProps {
  passage: Passage;
  isLit: boolean;
  quote?: string;
  onChoose: (passage: string) => void;
}

/** A passage as search sees it: its text, where it stands, how large it is and how often it was found. */
export function PassageCard({ passage, isLit, quote = "", onChoose }: PassageCardProps) {
  const { t } = useTranslation();
  const card = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isLit) card.current?.scrollIntoView({ block: "nearest" });
  }, [isLit]);
  return (
    <li
      ref={card}
      aria-current={isLit || undefined}
      className={cx("rounded-lg border bg-surface px-4 py-3", isLit ? "border-accent outline-1 outline-accent" : "border-line")}
    >
      <p className="mb-1.5 flex flex-wrap items-center gap-x-2.5 gap-y-1 text-sm text-muted">
        <button
          type="button"
          aria-pressed={isLit}
          aria-label={t("document.passage", { number: passage.ordinal + 1 })}
          onClick={() => onChoose(passage.id)}
          className="rounded-sm bg-sunken px-1.5 font-medium text-ink tabular-nums hover:bg-accent-soft"
        >
          {passage.ordinal + 1}
        </button>
        {passage.page !== null && <span>{t("chat.page", { page: passage.page })}</span>}
        {passage.kind === "table" && <Badge>{t("document.table")}</Badge>}
        {passage.heading_path.length > 0 && <span className="min-w-0 break-words">{passage.heading_path.join(" › ")}</span>}
      </p>
      <PassageText text={passage.text} lit={isLit ? quote : ""} />
      <p className="mt-2 flex gap-3 text-xs text-faint tabular-nums">
        <span>{t("knowledge.tokens", { count: passage.tokens })}</span>
        {passage.hit_count > 0 && <span>{t("document.hits", { count: passage.hit_count })}</span>}
      </p>
    </li>
  );
}
