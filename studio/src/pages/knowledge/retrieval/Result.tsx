import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import type { Found } from "@/api/client";
import type { Compared } from "@/api/documents";
import type { SearchRule } from "@/api/evaluation";
import { useFormat } from "@/i18n/format";
import { DIGITS, DOTS, Marked, plain, whereIn } from "@/pages/knowledge/Hit";
import { Badge } from "@/ui/Badge";
import { cx } from "@/ui/classes";

const LEGS = ["dense", "keyword", "fused", "reranked"] as const;

/** What apps get, each passage with all its scores; below, what the rule left out and why. */
export function Result({ base, found, rule }: { base: string; found: Compared; rule: SearchRule }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { threshold = 0, top_k = 0 } = found.left_out_counts;
  return (
    <>
      {found.result.length === 0 && <p className="p-4 text-muted">{t("retrieval.allLeftOut")}</p>}
      <ol aria-label={t("retrieval.result")}>
        {found.result.map((hit, index) => (
          <Row key={hit.chunk_id} base={base} hit={hit} found={found} rank={index + 1} />
        ))}
      </ol>
      {found.left_out.length > 0 && (
        <section aria-label={t("retrieval.leftOut")} className="border-t border-line bg-canvas">
          <header className="px-4 pt-3 pb-2">
            <h2 className="font-semibold">{t("retrieval.leftOut")}</h2>
            <p className="text-sm text-muted">
              {[
                top_k > 0 && t("retrieval.beyond", { count: top_k, top: rule.top_k }),
                threshold > 0 && t("retrieval.below", { count: threshold, score: format.number(rule.threshold ?? 0, 2) }),
              ]
                .filter(Boolean)
                .join(" ")}
            </p>
          </header>
          <ul>
            {found.left_out.map(({ hit, why }) => (
              <Row key={hit.chunk_id} base={base} hit={hit} found={found} why={t(`retrieval.why.${why}`)} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

interface RowProps {
  base: string;
  hit: Found;
  found: Compared;
  rank?: number;
  why?: string;
}

function Row({ base, hit, found, rank, why }: RowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const children = hit.children ?? [];
  const standings = found.standings[children[0]?.chunk_id ?? hit.chunk_id] ?? {};
  const where = whereIn(hit, t);
  return (
    <li data-passage={hit.chunk_id} className="relative grid gap-x-6 gap-y-2 border-b border-line px-4 py-3 last:border-b-0 hover:bg-hover lg:grid-cols-[1fr_26rem]">
      <div className="min-w-0">
        <p className="flex flex-wrap items-baseline gap-x-2 gap-y-1">
          {rank && <span className="w-5 text-sm font-semibold tabular-nums">{rank}</span>}
          {why && <Badge tone="warn">{why}</Badge>}
          <Link
            to="/knowledge/$base/documents/$document"
            params={{ base, document: hit.document_id }}
            search={{ passage: hit.chunk_id }}
            className="min-w-0 font-medium break-words text-accent-ink after:absolute after:inset-0 hover:underline"
          >
            {hit.document}
          </Link>
          {children.length > 0 && <Badge>{t("retrieval.parts", { count: children.length })}</Badge>}
        </p>
        {where && <p className="truncate text-xs text-muted">{where}</p>}
        <p className={cx("mt-1 text-sm whitespace-pre-line leading-relaxed break-words", why ? "line-clamp-2 text-muted" : "line-clamp-4")}>
          <Marked text={plain(hit.text)} terms={found.terms} />
        </p>
      </div>
      <dl className="grid grid-cols-4 content-start gap-2 text-sm">
        {LEGS.map((leg) => {
          const one = standings[leg];
          return (
            <div key={leg} className="min-w-0">
              <dt className="flex min-w-0 items-center gap-1.5 text-xs text-muted">
                <span className={cx("size-2 shrink-0 rounded-full", DOTS[leg])} aria-hidden />
                <span className="truncate">{t(`score.${leg}`)}</span>
              </dt>
              <dd className="tabular-nums">
                {one ? (
                  <>
                    <span className="block font-semibold">{format.number(one.score, DIGITS[leg])}</span>
                    <span className="block text-xs text-muted">{t("retrieval.rank", { rank: one.rank })}</span>
                  </>
                ) : (
                  <span className="text-faint">–</span>
                )}
              </dd>
            </div>
          );
        })}
      </dl>
    </li>
  );
}
