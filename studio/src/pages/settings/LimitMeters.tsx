import { useTranslation } from "react-i18next";

import { useFormat } from "@/i18n/format";
import type { QuotaState } from "@/pages/settings/limits";
import { Meter } from "@/ui/chart/Meter";

/** How much of each bound is used now. */
export function LimitMeters({ quota }: { quota: QuotaState }) {
  const { t } = useTranslation();
  const format = useFormat();
  const of = (used: string, bound: string) => t("limits.of", { used, bound });
  const { budget_usd: budget, requests_per_minute: requests, tokens_per_minute: tokens } = quota;
  return (
    <div className="flex flex-col gap-2.5">
      {budget !== null && (
        <Meter label={t(`limits.budgetOf.${quota.period}`)} used={quota.used_usd} bound={budget} text={of(format.usd(quota.used_usd), format.usd(budget))} />
      )}
      {requests !== null && (
        <Meter label={t("limits.requests")} used={quota.used_requests} bound={requests} text={of(format.number(quota.used_requests), format.number(requests))} />
      )}
      {tokens !== null && (
        <Meter label={t("limits.tokens")} used={quota.used_tokens} bound={tokens} text={of(format.compact(quota.used_tokens), format.compact(tokens))} />
      )}
      {quota.models !== null && (
        <p className="text-sm break-words text-muted">
          {quota.models.length === 0 ? t("limits.noModels") : t("limits.openTo", { names: quota.models.join(", ") })}
        </p>
      )}
    </div>
  );
}
