import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Compared, type Fusing, compareOf } from "@/api/documents";
import { retrievalOf } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { Hit, type Ranks } from "@/pages/knowledge/Hit";
import { TakeSetting } from "@/pages/knowledge/evaluation/TakeSetting";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

const route = getRouteApi("/inside/knowledge/$base/retrieval");
const LEGS = ["dense", "keyword", "fused", "reranked"] as const;
const COUNTS = ["5", "10", "20", "50"] as const;
const DOTS = { dense: "bg-dense", keyword: "bg-keyword", fused: "bg-fused", reranked: "bg-s5" } as const;
const SET = "set";
const AUTO = "auto";
const SHARES = ["0.1", "0.3", "0.5", "0.65", "0.75", "0.85", "0.95"] as const;

export type Leg = (typeof LEGS)[number];

/** Why a passage is found: what each search finds, and both fused, beside each other. */
export function Retrieval() {
  const { t } = useTranslation();
  const format = useFormat();
  const { base } = route.useParams();
  const { query = "", by, top = 5, fusion, weight } = route.useSearch();
  const go = route.useNavigate();
  const [typed, setTyped] = useState(query);
  const fusing = fusingOf(fusion, weight);
  const { data, error, refetch, isFetching } = useQuery(compareOf(base, query, top, fusing));
  const may = useMay()("editor");
  const { data: now } = useQuery(retrievalOf(base));
  const [saving, setSaving] = useState(false);
  const isTried = Object.keys(fusing).length > 0;
  const choose = (changes: { query?: string; by?: Leg; top?: number; fusion?: string | undefined; weight?: string | undefined }) =>
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
          <div className="flex w-full flex-wrap gap-2">
            <Select
              label={t("retrieval.fusion")}
              value={fusing.fusion ?? SET}
              choices={[
                { value: SET, label: t("retrieval.asSet") },
                { value: "weights", label: t("retrieval.weights") },
                { value: "ranks", label: t("retrieval.ranks") },
              ]}
              onChange={(value) => choose({ fusion: value === SET ? undefined : value, weight: value === SET ? undefined : weight })}
            />
            {fusing.fusion && (
              <Select
                label={t("retrieval.weight")}
                value={SHARES.find((one) => one === weight) ?? AUTO}
                choices={[
                  { value: AUTO, label: t("retrieval.auto") },
                  ...SHARES.map((value) => ({ value, label: t("retrieval.share", { share: format.percent(Number(value)) }) })),
                ]}
                onChange={(value) => choose({ weight: value === AUTO ? undefined : value })}
              />
            )}
            {may && isTried && now && (
              <Button type="button" onClick={() => setSaving(true)}>
                {t("retrieval.save")}
              </Button>
            )}
          </div>
        </form>
        {now && (
          <TakeSetting
            base={base}
            now={now}
            next={saving ? { ...now, ...fusing, mode: "hybrid" } : null}
            name="trial"
            onClose={() => setSaving(false)}
          />
        )}
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

/** A column for each search; on a phone one of them, chosen by tabs. The passage under the pointer is marked in all. */
function Columns({ base, found, shown, onShow }: ColumnsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [pointed, setPointed] = useState("");
  const ranks = ranksOf(found);
  const legs = LEGS.filter((leg) => leg !== "reranked" || found.reranked.length > 0);
  const failed = found.notes.some(({ code }) => code === "rerank_failed");
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
      <p className="flex flex-wrap gap-x-4 gap-y-1 border-b border-line px-4 py-2 text-sm text-muted">
        {t("retrieval.took")}
        {legs.map((leg) => {
          const ms = found.times?.[leg];
          return ms === undefined ? null : (
            <span key={leg} className="tabular-nums">
              {t(`score.${leg}`)} {t("settings.milliseconds", { count: Math.round(ms) })}
            </span>
          );
        })}
        {failed && <span className="text-warn">{t("retrieval.rerankFailed")}</span>}
      </p>
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

function fusingOf(fusion: string | undefined, weight: string | undefined): Fusing {
  if (fusion !== "weights" && fusion !== "ranks") return {};
  const share = SHARES.find((one) => one === weight);
  return { fusion, dense_weight: share ? Number(share) : null };
}

function ranksOf(found: Compared): Map<string, Ranks> {
  const ranks = new Map<string, Ranks>();
  for (const leg of LEGS) {
    found[leg].forEach(({ chunk_id }, index) => ranks.set(chunk_id, { ...ranks.get(chunk_id), [leg]: index + 1 }));
  }
  return ranks;
}
