import { useMutation } from "@tanstack/react-query";
import { CircleCheck, ClipboardList, Clock, Hourglass, type LucideIcon } from "lucide-react";
import { Suspense, lazy, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { answerForm, formAt } from "@/api/ask";
import { asApiError } from "@/api/errors";
import { sendFile } from "@/form/api";
import type { Asked } from "@/form/asked";
import { useFormat } from "@/i18n/format";
import type { ChatForm } from "@/pages/chat/exchange";
import { Badge } from "@/ui/Badge";
import { Markdown } from "@/ui/Markdown";
import { SkeletonRows } from "@/ui/States";

const FormSheet = lazy(async () => ({ default: (await import("@/form/FormSheet")).FormSheet })); // few answers wait for one

interface AskedFormsProps {
  app: string;
  message: string;
  forms: readonly ChatForm[];
  /** Something became of one. */
  onAnswered: () => void;
}

/** What a workflow asked people for its answer: the reader's own forms to fill in, of others only what became of them. */
export function AskedForms({ app, message, forms, onAnswered }: AskedFormsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  return forms.map((form) => {
    const { id, title, state, may_answer: mine } = form;
    if (state === "waiting" && mine) return <Open key={id} at={formAt(app, message, id)} form={form} onAnswered={onAnswered} />;
    if (state === "submitted" && mine) return <Answered key={id} form={form} />;
    if (state === "waiting") {
      return <Line key={id} icon={Hourglass} text={t("chat.form.waiting", { title, time: format.date(form.expires_at) })} />;
    }
    return state === "submitted" ? (
      <Line key={id} icon={CircleCheck} text={t("chat.form.answered", { title })} />
    ) : (
      <Line key={id} icon={Clock} text={t("chat.form.expired", { title })} />
    );
  });
}

function Open({ at, form, onAnswered }: { at: string; form: ChatForm; onAnswered: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const upload = useMemo(() => (file: File) => sendFile(at, file), [at]);
  const answering = useMutation({
    mutationFn: ({ action, inputs }: { action: string; inputs: Record<string, unknown> }) => answerForm(at, action, inputs),
    onSuccess: onAnswered,
    onError: (fault) => {
      if (asApiError(fault).status === 412) onAnswered(); // somebody was quicker, or its time is over
    },
  });
  return (
    <section aria-label={form.title} className="rounded-lg border border-accent bg-surface p-4">
      <h3 className="flex items-center gap-2 font-semibold break-words">
        <ClipboardList size={16} className="shrink-0 text-accent-ink" aria-hidden />
        {form.title}
      </h3>
      <p className="mt-0.5 mb-4 text-sm text-muted">
        {t("chat.form.yours")} · {t("humanForm.until", { time: format.date(form.expires_at) })}
      </p>
      <Suspense fallback={<SkeletonRows label={t("common.loading")} />}>
        <FormSheet
          asked={form as unknown as Asked}
          upload={upload}
          busy={answering.isPending || answering.isSuccess}
          error={answering.error}
          onAnswer={(action, inputs) => answering.mutate({ action, inputs })}
        />
      </Suspense>
    </section>
  );
}

function Answered({ form: { title, content, action } }: { form: ChatForm }) {
  const { t } = useTranslation();
  return (
    <details className="rounded-lg border border-line bg-surface text-sm">
      <summary className="flex cursor-pointer flex-wrap items-center gap-2 rounded-lg px-3 py-2 text-muted hover:text-ink">
        <span className="min-w-0 break-words">{title}</span>
        <Badge tone="good" icon={CircleCheck}>
          {action || t("chat.form.done")}
        </Badge>
      </summary>
      <div className="border-t border-line px-3 py-2">
        <Markdown text={content} copyLabel={t("common.copy")} copiedLabel={t("common.copied")} />
      </div>
    </details>
  );
}

function Line({ icon: Icon, text }: { icon: LucideIcon; text: string }) {
  return (
    <p role="status" className="flex items-start gap-2 text-sm text-muted">
      <Icon size={15} className="mt-0.5 shrink-0" aria-hidden />
      <span className="min-w-0 break-words">{text}</span>
    </p>
  );
}
