import { CircleAlert, CircleCheck, RotateCw, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { ApiError } from "@/api/errors";
import { useErrorText } from "@/frame/errorText";
import { type Upload, uploads, useUploads } from "@/frame/uploads";
import { IconButton } from "@/ui/Button";
import { Progress } from "@/ui/Progress";

const SHOWN = 100;

/** What is being sent, on every page until the reader has seen how it ended. */
export function UploadTray() {
  const { t } = useTranslation();
  const all = useUploads();
  if (all.length === 0) return null;
  const open = all.filter(({ state }) => state === "waiting" || state === "sending");
  const failed = all.filter(({ state }) => state === "failed");
  const part = all.reduce((sum, one) => sum + (one.state === "failed" ? 1 : one.part), 0) / all.length;
  const title = open.length > 0 ? t("uploads.sending", { count: open.length }) : t("uploads.done", { count: all.length - failed.length });
  const order = [...failed, ...open, ...all.filter(({ state }) => state === "done")].slice(0, SHOWN);
  return (
    <section
      aria-label={t("uploads.title")}
      className="popup fixed right-3 bottom-3 z-30 flex max-h-72 w-[calc(100vw-1.5rem)] max-w-sm flex-col"
    >
      <header className="flex items-center gap-2 py-2 pr-2 pl-4">
        <p className="grow font-medium" aria-live="polite">
          {title}
          {failed.length > 0 && <span className="text-bad"> · {t("uploads.failed", { count: failed.length })}</span>}
        </p>
        {failed.length > 1 && (
          <IconButton icon={RotateCw} size="small" label={t("uploads.retryFailed")} onClick={uploads.retryFailed} />
        )}
        <IconButton
          icon={X}
          size="small"
          label={open.length > 0 ? t("uploads.stop") : t("common.close")}
          onClick={uploads.clear}
        />
      </header>
      {open.length > 0 && <Progress part={part} label={title} className="mx-4 mb-2 shrink-0" />}
      <ul className="scroll-quiet overflow-y-auto border-t border-line py-1">
        {order.map((one) => (
          <Line key={one.id} one={one} />
        ))}
      </ul>
    </section>
  );
}

function Wrong({ error }: { error: ApiError }) {
  const { message, hint } = useErrorText()(error);
  return (
    <p>
      <span className="text-bad">{message}</span> <span className="text-muted">{hint}</span>
    </p>
  );
}

function Line({ one }: { one: Upload }) {
  const { t } = useTranslation();
  return (
    <li className="flex items-start gap-2 px-4 py-1.5 text-sm">
      <div className="min-w-0 grow">
        <p className="truncate">{one.name}</p>
        {one.error && <Wrong error={one.error} />}
        {(one.outcome === "unchanged" || one.outcome === "duplicate") && (
          <p className="text-muted">{t(`uploads.outcome.${one.outcome}`)}</p>
        )}
      </div>
      {one.state === "sending" && <span className="text-muted tabular-nums">{Math.round(one.part * 100)}%</span>}
      {one.state === "waiting" && <span className="text-faint">{t("uploads.waiting")}</span>}
      {one.state === "done" && <CircleCheck size={15} className="mt-0.5 text-good" aria-label={t("uploads.state.done")} />}
      {one.state === "failed" && (
        <>
          <CircleAlert size={15} className="mt-0.5 text-bad" aria-label={t("uploads.state.failed")} />
          <IconButton icon={RotateCw} size="small" label={t("common.retry")} onClick={() => uploads.retry(one.id)} />
        </>
      )}
    </li>
  );
}
