import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Compared } from "@/api/documents";
import { useFormat } from "@/i18n/format";
import { DOTS, Hit } from "@/pages/knowledge/Hit";
import { cx } from "@/ui/classes";

const LEGS = ["dense", "keyword", "fused", "reranked"] as const;

export type Leg = (typeof LEGS)[number];
export const legOf = (by: string | undefined): Leg => LEGS.find((one) => one === by) ?? "fused";

interface ColumnsProps {
  base: string;
  found: Compared;
  shown: Leg;
  onShow: (leg: Leg) => void;
}

/** A column for each search; on a phone one of them, chosen by tabs. The passage under the pointer is marked in all. */
export function Columns({ base, found, shown, onShow }: ColumnsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [pointed, setPointed] = useState("");
  const marks = new Map(found.left_out.map(({ hit, why }) => [hit.chunk_id, t(`retrieval.why.${why}`)]));
  const legs = LEGS.filter((leg) => leg !== "reranked" || found.reranked.length > 0);
  return (
    <>
      <div role="tablist" aria-label={t("retrieval.title")} className="flex border-b border-line lg:hidden">
        {legs.map((leg) => (
          <button
            key={leg}
            type="button"
            role="tab"
            id={`tab-${leg}`}
            aria-selected={leg === shown}
            aria-controls={`leg-${leg}`}
            onClick={() => onShow(leg)}
            className={cx("grow border-b-2 px-2 py-2.5 font-medium", leg === shown ? "border-accent" : "border-transparent text-muted")}
          >
            {t(`score.${leg}`)}
          </button>
        ))}
      </div>
      <div className={cx("grid lg:divide-x lg:divide-line", legs.length > 3 ? "lg:grid-cols-4" : "lg:grid-cols-3")}>
        {legs.map((leg) => {
          const best = Math.max(...found[leg].map(({ score }) => score), Number.EPSILON);
          return (
            <section key={leg} id={`leg-${leg}`} aria-label={t(`score.${leg}`)} className={cx("min-w-0", leg !== shown && "hidden lg:block")}>
              <header className="hidden items-center gap-2 border-b border-line bg-canvas px-4 py-2.5 lg:flex">
                <span className={cx("size-2.5 rounded-full", DOTS[leg])} aria-hidden />
                <h2 className="font-semibold">{t(`score.${leg}`)}</h2>
                <span className="truncate text-sm text-muted">{t(`retrieval.${leg}Text`)}</span>
                <span className="ml-auto text-sm text-muted tabular-nums">{format.number(found[leg].length)}</span>
              </header>
              {found[leg].length === 0 && <p className="p-4 text-muted">{t("retrieval.none")}</p>}
              <ol>
                {found[leg].map((hit) => (
                  <Hit
                    key={hit.chunk_id}
                    base={base}
                    hit={hit}
                    leg={leg}
                    legs={legs}
                    mark={marks.get(hit.chunk_id)}
                    standings={found.standings[hit.chunk_id] ?? {}}
                    part={hit.score / best}
                    terms={found.terms}
                    isPointed={pointed === hit.chunk_id}
                    onPoint={setPointed}
                  />
                ))}
              </ol>
            </section>
          );
        })}
      </div>
    </>
  );
}
