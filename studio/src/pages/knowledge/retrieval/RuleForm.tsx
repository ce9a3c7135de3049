import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Compared } from "@/api/documents";
import { type SearchRule, choicesOf, evaluationsOf } from "@/api/evaluation";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { MOST_PASSAGES, MOST_WORDINGS, measuredOf } from "@/pages/knowledge/retrieval/rule";
import { Checkbox, Input } from "@/ui/Field";
import { Select } from "@/ui/Select";
import { cx } from "@/ui/classes";

const MODES = ["dense", "keyword", "hybrid"] as const;
const DOTS = { dense: "bg-dense", keyword: "bg-keyword", hybrid: "bg-fused" } as const;
const AUTO = "auto";
const SHARES = [0.1, 0.3, 0.5, 0.65, 0.75, 0.85, 0.95] as const;

interface RuleFormProps {
  base: string;
  rule: SearchRule;
  onChange: (rule: SearchRule) => void;
  /** What a test of this rule measured. */
  test?: Compared | undefined;
  disabled?: boolean;
}

/** Every choice of a search, each beside what it costs: as the last evaluation and the last test measured it. */
export function RuleForm({ base, rule, onChange, test, disabled = false }: RuleFormProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay()("editor");
  const { data: choices } = useQuery(choicesOf(base));
  const { data: runs } = useQuery({ ...evaluationsOf(base), enabled: may });
  const { run, of } = measuredOf(runs);
  const change = (changes: Partial<SearchRule>) => onChange({ ...rule, ...changes });
  const ms = (value: number) => t("settings.milliseconds", { count: Math.round(value) });
  const measured = (name: string) => {
    const one = of(name);
    return one && t("retrieval.cost.measured", { score: format.number(one.ndcg_at_10, 3), time: ms(one.p50_ms) });
  };
  const times = test?.times ?? {};
  const tokens = test?.tokens ?? {};
  const took = (step: string) => (times[step] === undefined ? undefined : t("retrieval.cost.test", { time: ms(times[step]) }));
  const ofMode = {
    dense: took("dense"),
    keyword: took("keyword"),
    hybrid:
      times.dense === undefined || times.keyword === undefined
        ? undefined
        : t("retrieval.cost.atOnce", { dense: ms(times.dense), keyword: ms(times.keyword) }),
  };
  const given = test?.result.length ?? 0;
  const toModel = test && t("retrieval.cost.toModel", { count: given, tokens: format.number(tokens.result ?? 0) });
  const noReranker = choices?.reranker === "";
  const weight = rule.dense_weight ?? null;
  const isUseless = rule.mode === "keyword" && !rule.rerank;
  return (
    <fieldset disabled={disabled} className="flex min-w-0 flex-col divide-y divide-line">
      <div className="pb-4">
        <p className="text-sm font-medium">{t("evaluation.settings")}</p>
        <div role="radiogroup" aria-label={t("evaluation.settings")} className="mt-2 grid gap-2 sm:grid-cols-3">
          {MODES.map((mode) => (
            <label
              key={mode}
              className={cx(
                "relative block cursor-pointer rounded-md border p-3 has-focus-visible:outline-2 has-focus-visible:outline-accent",
                mode === rule.mode ? "border-accent bg-accent-soft/40" : "border-line hover:border-muted",
              )}
            >
              <input
                type="radio"
                name={`mode-${base}`}
                checked={mode === rule.mode}
                onChange={() => change({ mode })}
                className="absolute inset-0 cursor-pointer opacity-0"
              />
              <span className="flex items-center gap-2 font-medium">
                <span className={cx("size-2.5 rounded-full", DOTS[mode])} aria-hidden />
                {t(`evaluation.setting.${mode}`)}
              </span>
              <span className="block text-sm text-muted">{t(`retrieval.mode.${mode}`)}</span>
              <Costs lines={[measured(mode), ofMode[mode]]} className="mt-1.5" />
            </label>
          ))}
        </div>
        {may && (
          <p className="mt-2 text-sm text-muted">
            {run ? t("retrieval.cost.when", { date: format.date(run.created_at), count: run.done }) : t("retrieval.cost.never")}{" "}
            <Link to="/knowledge/$base/evaluation" params={{ base }} className="text-accent-ink underline">
              {t("retrieval.cost.evaluate")}
            </Link>
          </p>
        )}
      </div>
      {rule.mode === "hybrid" && (
        <Row label={t("evaluation.part.fusion")} hint={t("retrieval.fusionText")} costs={[t("retrieval.cost.nothing")]}>
          <Select
            label={t("evaluation.part.fusion")}
            value={rule.fusion}
            choices={[
              { value: "weights", label: t("retrieval.weights") },
              { value: "ranks", label: t("retrieval.ranks") },
            ]}
            onChange={(fusion) => change({ fusion })}
          />
          <Select
            label={t("retrieval.weight")}
            value={weight === null ? AUTO : String(weight)}
            choices={[
              { value: AUTO, label: t("retrieval.auto") },
              ...[...new Set([...SHARES, ...(weight === null ? [] : [weight])])]
                .sort((one, other) => one - other)
                .map((share) => ({ value: String(share), label: t("retrieval.share", { share: format.percent(share) }) })),
            ]}
            onChange={(value) => change({ dense_weight: value === AUTO ? null : Number(value) })}
          />
        </Row>
      )}
      <Row label={t("evaluation.part.rerank")} hint={noReranker ? t("retrieval.rerankMissing") : t("retrieval.rerankText")} costs={[
        measured("rerank") ?? (noReranker ? undefined : t("retrieval.cost.reads")),
        times.rerank === undefined
          ? undefined
          : t("retrieval.cost.read", { time: ms(times.rerank), tokens: format.number(tokens.rerank ?? 0) }),
      ]}>
        <Checkbox
          label={choices?.reranker ? t("retrieval.rerankBy", { model: choices.reranker }) : t("evaluation.part.rerank")}
          checked={rule.rerank}
          disabled={noReranker && !rule.rerank}
          onChange={(event) => change({ rerank: event.target.checked })}
        />
      </Row>
      <Row
        label={t("evaluation.part.multi_query")}
        hint={t("retrieval.multiText")}
        costs={[
          rule.multi_query > 0 ? t("retrieval.cost.wordings", { count: rule.multi_query }) : t("retrieval.cost.nothing"),
          times.reword === undefined
            ? undefined
            : t("retrieval.cost.reworded", { time: ms(times.reword), tokens: format.number(tokens.reword ?? 0) }),
        ]}
      >
        <Select
          label={t("evaluation.part.multi_query")}
          value={String(rule.multi_query)}
          choices={Array.from({ length: MOST_WORDINGS + 1 }, (_, count) => ({
            value: String(count),
            label: count === 0 ? t("evaluation.value.off") : t("retrieval.wordings", { count }),
          }))}
          onChange={(value) => change({ multi_query: Number(value) })}
        />
      </Row>
      <Row label={t("evaluation.part.top_k")} hint={t("retrieval.topText")} costs={[toModel]}>
        <NumberBox
          label={t("evaluation.part.top_k")}
          value={rule.top_k}
          least={1}
          most={MOST_PASSAGES}
          whole
          onChange={(value) => value !== null && change({ top_k: value })}
        />
      </Row>
      <Row
        label={t("evaluation.part.threshold")}
        hint={isUseless ? t("retrieval.thresholdUnused") : t(`retrieval.thresholdText.${rule.rerank ? "rerank" : rule.mode === "dense" ? "dense" : "hybrid"}`)}
        costs={[
          t("retrieval.cost.nothing"),
          test?.left_out_counts.threshold ? t("retrieval.cost.below", { count: test.left_out_counts.threshold }) : undefined,
        ]}
      >
        <NumberBox
          label={t("evaluation.part.threshold")}
          value={rule.threshold ?? null}
          least={-1}
          most={1}
          placeholder={t("evaluation.value.none")}
          onChange={(threshold) => change({ threshold })}
        />
      </Row>
      <Row
        label={t("retrieval.parents")}
        hint={choices && !choices.has_parents ? t("retrieval.noParents") : t("retrieval.parentsText")}
        costs={[choices?.has_parents ? toModel : undefined]}
      >
        <Select
          label={t("retrieval.parents")}
          value={rule.auto_merge ? "half" : "always"}
          choices={[
            { value: "always", label: t("retrieval.parentAlways") },
            { value: "half", label: t("retrieval.parentHalf") },
          ]}
          onChange={(value) => change({ auto_merge: value === "half" })}
        />
      </Row>
    </fieldset>
  );
}

function Row({ label, hint, costs, children }: { label: string; hint: string; costs: readonly (string | undefined)[]; children: ReactNode }) {
  return (
    <div className="grid gap-x-6 gap-y-2 py-4 sm:grid-cols-[1fr_auto] lg:grid-cols-[1fr_20rem_16rem]">
      <div className="min-w-0">
        <p className="text-sm font-medium">{label}</p>
        <p className="max-w-prose text-sm text-muted">{hint}</p>
      </div>
      <div className="flex flex-wrap content-start items-start gap-2 sm:justify-end lg:justify-start">{children}</div>
      <Costs lines={costs} className="sm:col-span-2 lg:col-span-1" />
    </div>
  );
}

function Costs({ lines, className }: { lines: readonly (string | undefined)[]; className?: string }) {
  const said = lines.filter((line) => line !== undefined);
  if (said.length === 0) return null;
  return (
    <span className={cx("block text-sm tabular-nums", className)}>
      {said.map((line) => (
        <span key={line} className="block">
          {line}
        </span>
      ))}
    </span>
  );
}

interface NumberBoxProps {
  label: string;
  value: number | null;
  least: number;
  most: number;
  whole?: boolean;
  placeholder?: string;
  onChange: (value: number | null) => void;
}

/** A number that counts once it is written: at Enter, or when the box is left. */
function NumberBox({ label, value, least, most, whole = false, placeholder, onChange }: NumberBoxProps) {
  const take = (box: HTMLInputElement) => {
    const next = box.value === "" ? null : Number(box.value);
    if (next === value) return;
    if (next === null ? placeholder === undefined : !box.validity.valid) box.value = value === null ? "" : String(value);
    else onChange(next);
  };
  return (
    <Input
      key={value}
      type="number"
      inputMode="decimal"
      aria-label={label}
      min={least}
      max={most}
      step={whole ? 1 : "any"}
      defaultValue={value ?? ""}
      placeholder={placeholder}
      onBlur={(event) => take(event.currentTarget)}
      onKeyDown={(event) => event.key === "Enter" && take(event.currentTarget)}
      className="max-w-28"
    />
  );
}
