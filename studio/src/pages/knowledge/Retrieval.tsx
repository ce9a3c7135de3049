import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Compared, compareOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { Hit, type Ranks } from "@/pages/knowledge/Hit";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

const route = getRouteApi("/inside/knowledge/$base/retrieval");
const LEGS = ["dense", "keyword", "fused"] as const;
const COUNTS = ["5", "10", "20", "50"] as const;
const DOTS = { dense: "bg-dense", keyword: "bg-keyword", fused: "bg-fused" } as const;

export type Leg = (typeof LEGS)[number];

/** Why a passage is found: what each search finds, and both fused, beside each other. */
export function Retrieval() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const { query = "", by, top = 5 } = route.useSearch();
  const go = route.useNavigate();
  const [typed, setTyped] = useState(query);
  const { data, error, refetch, isFetching } = useQuery(compareOf(base, query, top));
  const choose = (changes: { query?: string; by?: Leg; top?: number }) =>
    void go({ search: (before) => ({ ...before, ...changes }), replace: true, resetScroll: false });
  const shown = LEGS.find((one) => one === by) ?? "fused";
  const isNothing = data && LEGS.every((leg) => data[leg].length === 0);
  return (
    <Page>
      <BaseHead id={base} />
      <Panel flush>
        <form
          role="search"
          className="flex flex-wrap gap-2 border-b border-line p-3"
          onSubmit={(event) => {
            event.preventDefault();
            choose({ query: typed.trim() });
          }}
        >
          <Input
            type="search"
            aria-label={t("retrieval.query")}
            placeholder={t("retrieval.query")}
            value={typed}
            maxLength={8000}
            onChange={(event) => setTyped(event.target.value)}
            className="min-w-0 grow basis-60"
          />
          <Select
            label={t("retrieval.count")}
            value={String(top)}
            choices={COUNTS.map((value) => ({ value, label: t("retrieval.top", { top: value }) }))}
            onChange={(value) => choose({ top: Number(value) })}
          />
          <Button type="submit" kind="primary" icon={Search} busy={isFetching}>
            {t("retrieval.search")}
          </Button>
        </form>
        {error && (
          <div className="p-4">
            <ErrorPanel error={error} onRetry={() => void refetch()} />
          </div>
        )}
        {!query && <EmptyState icon={Search} title={t("retrieval.start")} text={t("retrieval.startText")} />}
        {query && !data && !error && <SkeletonRows label={t("common.loading")} />}
        {isNothing && <EmptyState icon={Search} title={t("retrieval.nothing")} text={t("retrieval.nothingText")} />}
        {data && !isNothing && <Columns base={base} found={data} shown={shown} onShow={(leg) => choose({ by: leg })} />}
      </Panel>
    </Page>
  );
}

interface ColumnsProps {
  base: string;
  found: Compared;
  shown: Leg;
  onShow: (leg: Leg) => void;
}

/** Three columns; on a phone one of them, chosen by tabs. The passage under the pointer is marked in all. */
function Columns({ base, found, shown, onShow }: ColumnsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [pointed, setPointed] = useState("");
  const ranks = ranksOf(found);
  return (
    <>
      {found.terms.length > 0 && (
        <p className="flex flex-wrap items-center gap-1.5 border-b border-line px-4 py-2 text-sm text-muted">
          {t("retrieval.terms")}
          {found.terms.map((term) => (
            <code key={term} className="rounded-sm bg-keyword/15 px-1.5 font-mono text-ink">
              {term}
            </code>
          ))}
        </p>
      )}
      <div role="tablist" aria-label={t("retrieval.title")} className="flex border-b border-line lg:hidden">
        {LEGS.map((leg) => (
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
      <div className="grid lg:grid-cols-3 lg:divide-x lg:divide-line">
        {LEGS.map((leg) => {
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
                    ranks={ranks.get(hit.chunk_id) ?? {}}
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

function ranksOf(found: Compared): Map<string, Ranks> {
  const ranks = new Map<string, Ranks>();
  for (const leg of LEGS) {
    found[leg].forEach(({ chunk_id }, index) => ranks.set(chunk_id, { ...ranks.get(chunk_id), [leg]: index + 1 }));
  }
  return ranks;
}
