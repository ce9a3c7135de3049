import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import type { Tried } from "@/api/external";
import { useFormat } from "@/i18n/format";
import { Records } from "@/pages/knowledge/external/Records";
import { cx } from "@/ui/classes";

const GOOD: readonly Tried["state"][] = ["found", "nothing", "reached"];

/** How a server of knowledge answered, and what to do about it. */
export function TrialResult({ tried }: { tried: Tried }) {
  const { t } = useTranslation();
  const format = useFormat();
  const isGood = GOOD.includes(tried.state);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollIntoView?.({ block: "nearest" }); // newer browsers give a promise, which is no clean-up
  }, [tried]);
  const Icon = isGood ? CircleCheck : CircleAlert;
  return (
    <div
      ref={box}
      role={isGood ? "status" : "alert"}
      className={cx("flex flex-col gap-3 rounded-lg border px-4 py-3", isGood ? "border-good/30 bg-good-soft" : "border-bad/30 bg-bad-soft")}
    >
      <div className="flex gap-3">
        <Icon size={18} aria-hidden className={cx("mt-0.5 shrink-0", isGood ? "text-good" : "text-bad")} />
        <div className="min-w-0 grow">
          <p className="font-medium">{t(`external.state.${tried.state}`, { count: tried.count })}</p>
          <p className="text-base">{t(`external.todo.${tried.state}`)}</p>
          {!isGood && tried.said && (
            <p className="mt-1.5 text-sm break-words text-muted">
              {t("external.said")}: <code className="font-mono">{tried.said}</code>
            </p>
          )}
          <p className="mt-1 text-sm text-muted tabular-nums">
            {tried.status !== null && tried.state !== "reached" && `HTTP ${tried.status} · `}
            {format.number(tried.ms)} ms
          </p>
        </div>
      </div>
      {tried.records.length > 0 && <Records label={t("external.first")} records={tried.records} />}
    </div>
  );
}
