import { Check, Trophy } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Measured } from "@/api/evaluation";
import type { components } from "@/api/schema";
import { useFormat } from "@/i18n/format";
import { FILLS, settingName } from "@/pages/knowledge/evaluation/names";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { cx } from "@/ui/classes";

type Shown = components["schemas"]["EvaluationShown"];

const MEASURES = ["ndcg_at_10", "recall_at_10", "mrr_at_10"] as const;

/** What was measured of every setting, beside each other, with the one to take. */
export function Settings({ shown, onTake }: { shown: Shown; onTake: (setting: Measured) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { evaluation, now, would_be } = shown;
  const slowest = Math.max(...evaluation.settings.map(({ p50_ms }) => p50_ms), 1);
  const inForce = (name: string) => JSON.stringify(would_be[name]) === JSON.stringify(now);
  return (
    <ul aria-label={t("evaluation.settings")} className="mt-5 grid gap-4 sm:grid-cols-2 xl:grid-cols-4">
      {evaluation.settings.map((one) => {
        const name = settingName(one.name);
        const isBest = one.name === evaluation.best;
        const isOver = evaluation.best !== "";
        return (
          <li
            key={one.name}
            data-setting={one.name}
            className={cx("flex min-w-0 flex-col gap-3 rounded-lg border p-4", isBest ? "border-accent bg-accent-soft/40" : "border-line")}
          >
            <div className="flex flex-wrap items-center gap-2">
              <span className={cx("size-2.5 rounded-full", FILLS[name])} aria-hidden />
              <h3 className="font-semibold">{t(`evaluation.setting.${name}`)}</h3>
              {isBest && (
                <Badge tone="accent" icon={Trophy}>
                  {t("evaluation.best")}
                </Badge>
              )}
            </div>
            {one.questions === 0 ? (
              <p className="text-sm text-muted">
                {one.notes.rerank_missing ? t("evaluation.noRerank") : t("evaluation.unmeasured")}
              </p>
            ) : (
              <>
                <ul className="flex flex-col gap-2">
                  {MEASURES.map((measure) => (
                    <Bar
                      key={measure}
                      label={t(`evaluation.${measure}`)}
                      value={format.number(one[measure], 3)}
                      part={one[measure]}
                      fill={FILLS[name]}
                    />
                  ))}
                  <Bar
                    label={t("evaluation.time")}
                    value={t("settings.milliseconds", { count: Math.round(one.p50_ms) })}
                    part={one.p50_ms / slowest}
                    fill="bg-rest"
                  />
                </ul>
                <p className="text-sm text-muted">
                  {one.notes.rerank_failed ? `${t("evaluation.rerankFailed", { count: one.notes.rerank_failed })} ` : ""}
                  {isOver && !isBest && (one.behind <= one.margin ? t("evaluation.close") : t("evaluation.behind", { points: format.number(one.behind, 3) }))}
                </p>
                {isOver && (
                  <div className="mt-auto">
                    {inForce(one.name) ? (
                      <span className="inline-flex items-center gap-1.5 text-sm text-good">
                        <Check size={14} aria-hidden />
                        {t("evaluation.inForce")}
                      </span>
                    ) : (
                      <Button kind={isBest ? "primary" : "secondary"} onClick={() => onTake(one)}>
                        {t("evaluation.take")}
                      </Button>
                    )}
                  </div>
                )}
              </>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function Bar({ label, value, part, fill }: { label: string; value: string; part: number; fill: string }) {
  return (
    <li>
      <div className="flex items-baseline justify-between gap-2 text-sm">
        <span className="text-muted">{label}</span>
        <span className="tabular-nums">{value}</span>
      </div>
      <div className="mt-1 h-2 overflow-hidden rounded-full bg-line" aria-hidden>
        <div className={cx("h-full rounded-full", fill)} style={{ width: `${Math.min(1, part) * 100}%` }} />
      </div>
    </li>
  );
}
