import { CircleAlert, RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";

import { asApiError } from "@/api/errors";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";

const OURS = { server_unreachable: "server_unreachable", studio_fault: "studio_fault" } as const;

/** What happened, what to do, the code, and the request id to copy. */
export function ErrorPanel({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const found = asApiError(error);
  const own = found.code in OURS ? OURS[found.code as keyof typeof OURS] : undefined;
  const message = found.message || (own ? t(`errors.${own}.message`) : t("errors.unknown"));
  const hint = found.hint || (own ? t(`errors.${own}.hint`) : "");
  return (
    <div role="alert" className="flex gap-3 rounded-lg border border-bad/30 bg-bad-soft px-4 py-3 text-base">
      <CircleAlert size={18} className="mt-0.5 shrink-0 text-bad" aria-hidden />
      <div className="min-w-0 grow">
        <p className="font-medium break-words">{message}</p>
        {hint && <p className="mt-0.5 break-words text-muted">{hint}</p>}
        <p className="mt-2 flex flex-wrap items-center gap-x-3 text-xs text-muted">
          <code className="font-mono">{found.code}</code>
          {found.requestId && (
            <span className="inline-flex items-center gap-1">
              {t("errors.request")} <code className="font-mono break-all">{found.requestId}</code>
              <Copy text={found.requestId} label={t("errors.copy")} doneLabel={t("common.copied")} />
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
