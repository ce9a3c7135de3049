import { Link } from "@tanstack/react-router";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";

import type { Found } from "@/api/client";
import type { Compared } from "@/api/documents";
import { useFormat } from "@/i18n/format";
import { type Range, rangesOf } from "@/pages/knowledge/terms";
import { Badge } from "@/ui/Badge";
import { ScoreBar } from "@/ui/Progress";
import { cx } from "@/ui/classes";

type Leg = "dense" | "keyword" | "fused" | "reranked";
type Standings = Compared["standings"][string];

export const DIGITS = { dense: 3, keyword: 2, fused: 3, reranked: 3 } as const;
export const DOTS = { dense: "bg-dense", keyword: "bg-keyword", fused: "bg-fused", reranked: "bg-s5" } as const;
const LETTERS = { dense: "text-dense", keyword: "text-keyword", fused: "text-fused", reranked: "text-s5" } as const;

interface HitProps {
  base: string;
  hit: Found;
  leg: Leg;
  /** The columns there are. */
  legs: readonly (Leg)[];
  /** Where it stands in each column. */
  standings: Standings;
  /** Why the search left it out. */
  mark?: string | undefined;
  /** Its score as a part of the best one of its column. */
  part: number;
  terms: readonly string[];
  isPointed: boolean;
  onPoint: (passage: string) => void;
}

/** A passage in one column, with its ranks in the others. The whole of it opens the passage on its page. */
export function Hit({ base, hit, leg, legs, standings, mark, part, terms, isPointed, onPoint }: HitProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const where = whereIn(hit, t);
  const others = legs.filter((one) => one !== leg);
  return (
    <li
      data-passage={hit.chunk_id}
      onPointerEnter={() => onPoint(hit.chunk_id)}
      onPointerLeave={() => onPoint("")}
      onFocus={() => onPoint(hit.chunk_id)}
      onBlur={() => onPoint("")}
      className={cx("relative border-b border-line px-4 py-3 last:border-b-0", isPointed && "bg-accent-soft/60")}
    >
      <p className="flex flex-wrap items-center gap-x-2.5 gap-y-0.5 text-sm">
        <span className="w-4 font-semibold tabular-nums">{standings[leg]?.rank}</span>
        <ScoreBar tone={leg} value={format.number(hit.score, DIGITS[leg])} part={part} />
        <span className="ml-auto flex gap-2 text-xs tabular-nums">
          {others.map((one) => (
            <span
              key={one}
              title={standings[one] ? undefined : t("retrieval.notIn", { search: t(`score.${one}`) })}
              className={cx("whitespace-nowrap", standings[one] ? LETTERS[one] : "text-faint")}
            >
              {t(`score.${one}`)} {standings[one]?.rank ?? "–"}
            </span>
          ))}
        </span>
      </p>
      <Link
        to="/knowledge/$base/documents/$document"
        params={{ base, document: hit.document_id }}
        search={{ passage: hit.chunk_id }}
        className="mt-1.5 block font-medium break-words text-accent-ink after:absolute after:inset-0 hover:underline"
      >
        {hit.document}
      </Link>
      {where && <p className="truncate text-xs text-muted">{where}</p>}
      {mark && <Badge tone="warn">{mark}</Badge>}
      <p className="mt-1 line-clamp-5 text-sm whitespace-pre-line leading-relaxed break-words">
        <Marked text={plain(hit.text)} terms={terms} />
      </p>
    </li>
  );
}

/** The page and the headings it stands under. */
export const whereIn = ({ page, heading_path }: Found, t: TFunction): string =>
  [...(page !== null ? [t("chat.page", { page })] : []), ...heading_path].join(" › ");

/** Tables as their cells, and no empty lines, for a few lines of preview. */
export const plain = (text: string): string =>
  text
    .split("\n")
    .filter((line) => !/^[\s:|-]*$/.test(line))
    .map((line) => line.replace(/^\s*\|\s*|\s*\|\s*$/g, "").replace(/\s*\|\s*/g, " · "))
    .join("\n");

export function Marked({ text, terms }: { text: string; terms: readonly string[] }) {
  const ranges: readonly Range[] = rangesOf(text, terms);
  const first = ranges[0]?.[0] ?? 0;
  const start = first > 160 ? first - 80 : 0;
  const out = [];
  let at = start;
  for (const [from, to] of ranges) {
    if (from < at) continue;
    out.push(text.slice(at, from));
    out.push(
      <mark key={from} className="rounded-sm bg-warn-soft text-ink">
        {text.slice(from, to)}
      </mark>,
    );
    at = to;
  }
  return (
    <>
      {start > 0 && "… "}
      {out}
      {text.slice(at)}
    </>
  );
}
