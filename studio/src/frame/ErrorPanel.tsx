import { CircleAlert, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";

import { asApiError } from "@/api/errors";
import { useErrorText } from "@/frame/errorText";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";

/** What happened, what to do, the server's own words, the code, and the request id to copy. */
export function ErrorPanel({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const { code, requestId } = asApiError(error);
  const { message, hint, detail } = useErrorText()(error);
  return (
    <div role="alert" className="flex flex-wrap gap-x-3 gap-y-2 rounded-lg border border-bad/30 bg-bad-soft px-4 py-3 text-base">
      <CircleAlert size={18} className="mt-0.5 shrink-0 text-bad" aria-hidden />
      <div className="min-w-0 grow basis-40">
        <p className="font-medium break-words">{message}</p>
        {hint && <p className="mt-0.5 break-words">{hint}</p>}
        {detail && detail !== message && (
          <p className="mt-1.5 text-sm break-words text-muted" lang="en">
            <span className="sr-only">{t("errors.detail")}: </span>
            {detail}
          </p>
        )}
        <p className="mt-2 flex flex-wrap items-center gap-x-3 text-xs text-muted">
          <code className="font-mono">{code}</code>
          {requestId && (
            <span className="inline-flex min-w-0 items-center gap-1">
              {t("errors.request")} <code className="font-mono break-all">{requestId}</code>
              <Copy text={requestId} label={t("errors.copy")} doneLabel={t("common.copied")} />
            </span>
          )}
        </p>
      </div>
      {onRetry && (
        <Button size="small" icon={RotateCw} onClick={onRetry}>
          {t("common.retry")}
        </Button>
      )}
    </div>
  );
}
