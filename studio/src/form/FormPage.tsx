import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleCheck, Clock, Hourglass, Unplug } from "lucide-react";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { asApiError } from "@/api/errors";
import { FormSheet } from "@/form/FormSheet";
import { answerLinked, fileOfLinked, linkedForm } from "@/form/api";
import { Connection } from "@/frame/Connection";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { Logo } from "@/ui/Logo";
import { EmptyState, SkeletonRows } from "@/ui/States";

/** A form for whoever has its link. */
export function FormPage({ token }: { token: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const { data: form, error, refetch } = useQuery(linkedForm(token));
  const upload = useMemo(() => fileOfLinked(token), [token]);
  const answering = useMutation({
    mutationFn: ({ action, inputs }: { action: string; inputs: Record<string, unknown> }) => answerLinked(token, action, inputs),
    onError: (fault) => {
      if (asApiError(fault).status === 412) void client.invalidateQueries({ queryKey: ["form", token] });
    },
  });
  useEffect(() => {
    document.title = form?.title ? `${form.title} · LLMFlow` : t("humanForm.title");
  }, [form, t]);
  return (
    <div className="flex min-h-dvh flex-col bg-canvas">
      <Connection />
      <header className="flex items-center gap-2.5 border-b border-line bg-surface px-4 py-2.5">
        <Logo size={20} />
        <span className="font-semibold tracking-tight">LLMFlow</span>
      </header>
      <main className="mx-auto w-full max-w-2xl grow px-4 py-6 sm:py-10">
        {!form && !error && <SkeletonRows label={t("common.loading")} />}
        {error && asApiError(error).code === "form_not_found" && (
          <State icon={Unplug} title={t("humanForm.gone")} text={t("humanForm.goneText")} />
        )}
        {error && asApiError(error).code !== "form_not_found" && <ErrorPanel error={error} onRetry={() => void refetch()} />}
        {answering.isSuccess && <State icon={CircleCheck} title={t("humanForm.sent")} text={t("humanForm.sentText")} />}
        {!answering.isSuccess && form?.state === "submitted" && (
          <State icon={CircleCheck} title={t("humanForm.done")} text={t("humanForm.doneText")} />
        )}
        {form?.state === "expired" && <State icon={Clock} title={t("humanForm.expired")} text={t("humanForm.expiredText")} />}
        {!answering.isSuccess && form?.state === "waiting" && (
          <article className="rounded-lg border border-line bg-surface p-4 sm:p-6">
            <h1 className="text-xl font-semibold tracking-tight break-words">{form.title}</h1>
            <p className="mt-1 mb-5 flex items-center gap-1.5 text-sm text-muted">
              <Hourglass size={14} className="shrink-0" aria-hidden />
              {t("humanForm.until", { time: format.date(form.expires_at) })}
            </p>
            <FormSheet
              asked={form}
              upload={upload}
              busy={answering.isPending}
              error={answering.error}
              onAnswer={(action, inputs) => answering.mutate({ action, inputs })}
            />
          </article>
        )}
      </main>
    </div>
  );
}

function State(props: Parameters<typeof EmptyState>[0]) {
  const { t } = useTranslation();
  return (
    <div role="status" className="rounded-lg border border-line bg-surface">
      <h1 className="sr-only">{t("humanForm.title")}</h1>
      <EmptyState {...props} />
    </div>
  );
}
