import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { ChevronRight, Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Compared, type Tried, type Where, compareOf } from "@/api/documents";
import { type SearchRule, retrievalOf } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { TakeSetting } from "@/pages/knowledge/evaluation/TakeSetting";
import { Columns, legOf } from "@/pages/knowledge/retrieval/Columns";
import { Result } from "@/pages/knowledge/retrieval/Result";
import { RuleForm } from "@/pages/knowledge/retrieval/RuleForm";
import { WhereForm } from "@/pages/knowledge/retrieval/WhereForm";
import { differenceOf, triedOf, whereOf, withTried } from "@/pages/knowledge/retrieval/rule";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Segments } from "@/ui/Segments";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/knowledge/$base/retrieval");
const LEGS = ["dense", "keyword", "fused"] as const;
const TOLD = ["dense_failed", "embedding_changed", "keyword_missing", "rerank_failed", "reword_failed", "threshold_unused"] as const;

interface Changes {
  query?: string;
  by?: string | undefined;
  rule?: Tried | undefined;
  where?: Where | undefined;
}

/** Why a passage is found: what a search gives by the base's rule or another one, with the scores of every step. */
export function Retrieval() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const { query = "", by, rule, where } = route.useSearch();
  const go = route.useNavigate();
  const may = useMay()("editor");
  const [typed, setTyped] = useState(query);
  const [saving, setSaving] = useState(false);
  const tried = triedOf(rule);
  const meant = whereOf(where);
  const { data: now, error: missing } = useQuery(retrievalOf(base));
  const { data, error, refetch, isFetching } = useQuery({
    ...compareOf(base, query, tried, meant),
    placeholderData: (before, last) => (last?.queryKey[3] === query ? before : undefined),
  });
  const choose = (changes: Changes) =>
    void go({ search: (before) => ({ ...before, ...changes }), replace: true, resetScroll: false });
  const isTried = Object.keys(tried).length > 0;
  const isNothing = data && data.result.length === 0 && LEGS.every((leg) => data[leg].length === 0);
  return (
    <Page>
      <BaseHead id={base} />
      <Panel flush>
        <form
          className="flex flex-wrap gap-2 border-b border-line p-4"
          onSubmit={(event) => {
            event.preventDefault();
            choose({ query: typed.trim() });
          }}
        >
          <div className="min-w-0 grow basis-64">
            <Input
              type="search"
              value={typed}
              onChange={(event) => setTyped(event.target.value)}
              placeholder={t("retrieval.query")}
              aria-label={t("retrieval.query")}
              autoFocus
            />
          </div>
          <Button type="submit" kind="primary" icon={Search} busy={isFetching}>
            {t("retrieval.search")}
          </Button>
        </form>
        {now && (
          <details className="group border-b border-line">
            <summary className="flex cursor-pointer flex-wrap items-center gap-x-2 gap-y-1 px-4 py-3 hover:bg-hover">
              <ChevronRight size={15} aria-hidden className="shrink-0 text-muted transition-transform group-open:rotate-90" />
              <span className="font-medium">{t("retrieval.settings")}</span>
              {isTried ? <Badge tone="accent">{t("retrieval.tried")}</Badge> : <Badge>{t("retrieval.asSet")}</Badge>}
              {meant.conditions.length > 0 && <Badge>{t("retrieval.conditions", { count: meant.conditions.length })}</Badge>}
            </summary>
            <div className="px-4 pt-3">
              <RuleForm
                base={base}
                rule={withTried(now, tried)}
                test={data}
                onChange={(next) => choose({ rule: differenceOf(now, next) })}
              />
              <div className="border-t border-line">
                <WhereForm base={base} where={given(where)} onChange={(next) => choose({ where: next.conditions.length > 0 ? next : undefined })} />
              </div>
            </div>
          </details>
        )}
        {now && isTried && (
          <div className="flex flex-wrap items-center gap-2 border-b border-line bg-accent-soft/40 px-4 py-2.5">
            <p className="min-w-0 grow text-sm">{t("retrieval.triedText")}</p>
            <Button onClick={() => choose({ rule: undefined })}>{t("retrieval.back")}</Button>
            {may && (
              <Button kind="primary" onClick={() => setSaving(true)}>
                {t("retrieval.save")}
              </Button>
            )}
          </div>
        )}
        {now && (
          <TakeSetting base={base} now={now} next={saving ? withTried(now, tried) : null} name="trial" onClose={() => setSaving(false)} onTaken={() => choose({ rule: undefined })} />
        )}
        {(error ?? missing) && (
          <div className="p-4">
            <ErrorPanel error={error ?? missing} onRetry={() => void refetch()} />
          </div>
        )}
        {!query && <EmptyState icon={Search} title={t("retrieval.start")} text={t("retrieval.startText")} />}
        {query && !data && !error && <SkeletonRows label={t("common.loading")} />}
        {isNothing && (
          <EmptyState
            icon={Search}
            title={t("retrieval.nothing")}
            text={meant.conditions.length > 0 ? t("retrieval.nothingMeant") : t("retrieval.nothingText")}
          />
        )}
        {data && now && !isNothing && (
          <Found base={base} found={data} rule={withTried(now, tried)} by={by} onShow={(leg) => choose({ by: leg || undefined })} />
        )}
      </Panel>
    </Page>
  );
}

const given = (where: unknown): Where => {
  const { conditions, operator } = (where ?? {}) as Partial<Where>;
  return { operator: operator === "or" ? "or" : "and", conditions: Array.isArray(conditions) ? conditions : [] };
};

interface FoundProps {
  base: string;
  found: Compared;
  rule: SearchRule;
  by: string | undefined;
  onShow: (by: string) => void;
}

function Found({ base, found, rule, by, onShow }: FoundProps) {
  const { t } = useTranslation();
  const ms = (step: string) => t("settings.milliseconds", { count: Math.round(found.times[step] ?? 0) });
  const isPart: Record<string, boolean> = { dense: rule.mode !== "keyword", keyword: rule.mode !== "dense", rerank: rule.rerank };
  const steps = ["reword", "dense", "keyword", "rerank"].filter((step) => found.times[step] !== undefined && isPart[step] !== false);
  const told = TOLD.filter((code) => found.notes.some((note) => note.code === code));
  const isByResult = by === undefined;
  return (
    <>
      <div className="flex flex-col gap-1.5 border-b border-line px-4 py-3 text-sm text-muted">
        <p className="flex flex-wrap gap-x-4 gap-y-1 tabular-nums">
          <span>
            {t("retrieval.took")} <strong className="font-semibold text-ink">{ms("search")}</strong>
          </span>
          {steps.map((step) => (
            <span key={step}>
              {t(`retrieval.step.${step as "dense"}`)} {ms(step)}
            </span>
          ))}
        </p>
        {found.wordings.length > 1 && <p>{t("retrieval.asked", { wordings: found.wordings.slice(1).join(" · ") })}</p>}
        {found.terms.length > 0 && (
          <p className="flex flex-wrap items-center gap-1.5">
            {t("retrieval.terms")}
            {found.terms.map((term) => (
              <code key={term} className="rounded-sm bg-keyword/15 px-1.5 font-mono text-ink">
                {term}
              </code>
            ))}
          </p>
        )}
        {told.map((code) => (
          <p key={code} className="text-warn">
            {t(`retrieval.note.${code}`)}
          </p>
        ))}
        {rule.rerank && found.notes.some(({ code }) => code === "rerank_missing") && <p className="text-warn">{t("retrieval.rerankMissing")}</p>}
      </div>
      <div className="border-b border-line px-4 py-2.5">
        <Segments
          label={t("retrieval.view")}
          value={isByResult ? "result" : "searches"}
          choices={[
            { value: "result", label: t("retrieval.result") },
            { value: "searches", label: t("retrieval.searches") },
          ]}
          onChange={(view) => onShow(view === "result" ? "" : "fused")}
        />
      </div>
      {isByResult ? <Result base={base} found={found} rule={rule} /> : <Columns base={base} found={found} shown={legOf(by)} onShow={onShow} />}
    </>
  );
}
