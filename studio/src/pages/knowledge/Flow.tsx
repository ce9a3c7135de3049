import { useTranslation } from "react-i18next";

import type { News } from "@/api/documents";
import { useFormat } from "@/i18n/format";
import { Progress } from "@/ui/Progress";

const STAGES = ["parse", "chunk", "ask", "embed", "index"] as const;
const ENOUGH = 3; // documents within the last minute, before a time is promised

/** Seconds that are left at the pace of the last minute; null: too little was seen to say. */
export function secondsLeft({ flow }: News): number | null {
  if (flow.recent < ENOUGH || flow.recent_bytes <= 0) return null;
  return (flow.left_bytes / flow.recent_bytes) * flow.recent_s;
}

/** How far a base is as a whole, while something is being read; else nothing. */
export function Flow({ news }: { news: News }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { queued = 0, running = 0, ready = 0, failed = 0 } = news.flow.counts;
  const open = queued + running;
  if (open === 0) return null;
  const all = open + ready + failed;
  const left = secondsLeft(news);
  const stages = STAGES.map((stage) => [stage, news.reading.filter((one) => one.stage === stage).length] as const);
  return (
    <section aria-label={t("progress.title")} className="border-b border-line bg-info-soft/50 px-4 py-3">
      <p className="flex flex-wrap items-baseline gap-x-3 gap-y-0.5">
        <span className="font-medium">{t("progress.done", { done: format.number(ready + failed), all: format.number(all) })}</span>
        {stages.map(([stage, count]) =>
          count > 0 ? (
            <span key={stage} className="text-sm text-muted tabular-nums">
              {t(`stage.${stage}`)} {format.number(count)}
            </span>
          ) : null,
        )}
        {queued > 0 && (
          <span className="text-sm text-muted tabular-nums">
            {t("state.queued")} {format.number(queued)}
          </span>
        )}
        <span className="ml-auto text-sm text-muted tabular-nums">
          {news.flow.passages_per_s > 0 &&
            `${t("progress.rate", { rate: format.number(news.flow.passages_per_s, news.flow.passages_per_s < 10 ? 1 : 0) })}${news.flow.recent > 0 ? " · " : ""}`}
          {news.flow.recent > 0 && t("progress.pace", { count: news.flow.recent })}
          {left !== null && ` · ${left < 60 ? t("progress.soon") : t("progress.left", { count: Math.ceil(left / 60) })}`}
        </span>
      </p>
      <Progress part={(ready + failed) / all} label={t("progress.title")} className="mt-2" />
    </section>
  );
}
