import { useQuery } from "@tanstack/react-query";
import { Link, getRouteApi } from "@tanstack/react-router";
import { Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Found, SearchMode } from "@/api/client";
import { searchOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { PassageText } from "@/pages/knowledge/PassageText";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { ScoreBar } from "@/ui/Progress";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/knowledge/$base/retrieval");
const MODES = ["hybrid", "dense", "keyword"] as const satisfies readonly SearchMode[];
const COUNTS = ["5", "10", "20", "50"] as const;

/** Why a passage is found: the scores of both searches and their fusion beside each other. */
export function Retrieval() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const { query = "", mode: asked, top = 10 } = route.useSearch();
  const go = route.useNavigate();
  const mode = MODES.find((one) => one === asked) ?? "hybrid";
  const [typed, setTyped] = useState(query);
  const { data, error, refetch, isFetching } = useQuery(searchOf(base, query, mode, top));
  const choose = (changes: { query?: string; mode?: string; top?: number }) =>
    void go({ search: (before) => ({ ...before, ...changes }), replace: true });
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
            label={t("retrieval.mode")}
            value={mode}
            choices={MODES.map((value) => ({ value, label: t(`retrieval.${value}`), hint: t(`retrieval.${value}Text`) }))}
            onChange={(value) => choose({ mode: value })}
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
        {data?.length === 0 && <EmptyState icon={Search} title={t("retrieval.nothing")} text={t("retrieval.nothingText")} />}
        {data && data.length > 0 && <Hits base={base} hits={data} mode={mode} />}
      </Panel>
    </Page>
  );
}

function Hits({ base, hits, mode }: { base: string; hits: readonly Found[]; mode: SearchMode }) {
  const most = {
    dense: Math.max(...hits.map(({ scores }) => scores.dense ?? 0), Number.EPSILON),
    keyword: Math.max(...hits.map(({ scores }) => scores.keyword ?? 0), Number.EPSILON),
    fused: Math.max(...hits.map(({ score }) => score), Number.EPSILON),
  };
  return (
    <ol>
      {hits.map((hit, index) => (
        <Hit key={hit.chunk_id} base={base} hit={hit} rank={index + 1} most={most} isFused={mode === "hybrid"} />
      ))}
    </ol>
  );
}

interface HitProps {
  base: string;
  hit: Found;
  rank: number;
  most: { dense: number; keyword: number; fused: number };
  isFused: boolean;
}

function Hit({ base, hit, rank, most, isFused }: HitProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { dense, keyword } = hit.scores;
  const rows = [
    { tone: "fused", label: t("score.fused"), value: isFused ? hit.score : null, best: most.fused, digits: 3 },
    { tone: "dense", label: t("score.dense"), value: dense, best: most.dense, digits: 3 },
    { tone: "keyword", label: t("score.keyword"), value: keyword, best: most.keyword, digits: 2 },
  ] as const;
  return (
    <li className="flex flex-col gap-3 border-b border-line px-4 py-3.5 last:border-b-0 md:flex-row md:gap-6">
      <div className="min-w-0 grow">
        <p className="mb-1 flex flex-wrap items-baseline gap-x-2.5 text-sm text-muted">
          <span className="font-semibold text-ink tabular-nums">{rank}</span>
          <Link
            to="/knowledge/$base/documents/$document"
            params={{ base, document: hit.document_id }}
            search={{ passage: hit.chunk_id }}
            className="font-medium text-accent-ink hover:underline"
          >
            {hit.document}
          </Link>
          {hit.page !== null && <span>{t("chat.page", { page: hit.page })}</span>}
          {hit.heading_path.length > 0 && <span className="min-w-0 break-words">{hit.heading_path.join(" › ")}</span>}
        </p>
        <PassageText text={hit.text} />
      </div>
      <dl className="grid shrink-0 grid-cols-3 content-start gap-x-4 gap-y-1.5 md:w-56 md:grid-cols-[auto_1fr]">
        {rows.map(({ tone, label, value, best, digits }) => (
          <div key={tone} className="md:contents">
            <dt className="text-sm text-muted">{label}</dt>
            <dd>
              {value == null ? (
                <span className="text-sm text-faint" title={t("retrieval.notFound")}>
                  –
                </span>
              ) : (
                <ScoreBar tone={tone} value={format.number(value, digits)} part={value / best} />
              )}
            </dd>
          </div>
        ))}
      </dl>
    </li>
  );
}
