import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useParams } from "@tanstack/react-router";
import { Link2, Mail } from "lucide-react";
import { useTranslation } from "react-i18next";

import { BASE, type FormDetail, api, body } from "@/api/client";
import { formOf } from "@/api/queries";
import { FormSheet } from "@/form/FormSheet";
import { sendFile } from "@/form/api";
import type { Asked } from "@/form/asked";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useFormat } from "@/i18n/format";
import { FormState } from "@/pages/inbox/FormState";
import { Button } from "@/ui/Button";
import { copyText } from "@/ui/Copy";
import { Markdown } from "@/ui/Markdown";
import { Page } from "@/ui/Page";
import { PageHead, Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** One form: to be answered here, or what became of it. */
export function InboxForm() {
  const { t } = useTranslation();
  const { form: id } = useParams({ from: "/inside/inbox/$form" });
  const { data: form, error, refetch } = useQuery(formOf(id));
  useCrumbs({ label: t("nav.inbox"), to: "/inbox" }, { label: form?.title ?? "" });
  return (
    <Page>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!form && !error && <SkeletonRows label={t("common.loading")} />}
      {form && <Shown key={form.id + form.state} form={form} />}
    </Page>
  );
}

function Shown({ form }: { form: FormDetail }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const answering = useMutation({
    mutationFn: (said: { action: string; inputs: Record<string, unknown> }) =>
      body(api.POST("/forms/{form_id}", { params: { path: { form_id: form.id } }, body: said })),
    onSuccess: (now) => {
      client.setQueryData(formOf(form.id).queryKey, now);
      toast(t("inbox.answered"), { text: t("inbox.answeredText") });
    },
    onSettled: () => client.invalidateQueries({ queryKey: ["forms"] }),
  });
  const copyLink = () =>
    void copyText(new URL(form.link, window.location.origin).href).then(() => toast(t("inbox.linkCopied"), { text: t("inbox.linkText") }));
  return (
    <div className="mx-auto max-w-2xl">
      <PageHead
        title={form.title}
        hint={form.app_name}
        actions={
          form.link && (
            <Button icon={Link2} onClick={copyLink}>
              {t("inbox.copyLink")}
            </Button>
          )
        }
      />
      <Facts form={form} />
      <Panel>
        {form.state === "waiting" ? (
          <FormSheet
            asked={form as unknown as Asked}
            upload={(file) => sendFile(`${BASE}/forms/${form.id}`, file)}
            busy={answering.isPending}
            error={answering.error}
            onAnswer={(action, inputs) => answering.mutate({ action, inputs })}
          />
        ) : (
          <Markdown text={textOf(form)} copyLabel={t("common.copy")} copiedLabel={t("common.copied")} />
        )}
      </Panel>
      {form.told.length > 0 && <ToldPeople told={form.told} />}
    </div>
  );
}

/** Places that nobody filled say nothing. */
const textOf = (form: FormDetail): string => form.content.replaceAll(/\{\{#\$output\.[A-Za-z0-9_]+#\}\}/g, "—");

function Facts({ form }: { form: FormDetail }) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts: [string, string][] = [[t("inbox.asked"), format.date(form.created_at)]];
  if (form.state === "submitted") {
    facts.push([t("inbox.by"), form.answered_by || t("inbox.byLink")]);
    if (form.answered_at !== null) facts.push([t("inbox.when"), format.date(form.answered_at)]);
  } else facts.push([t("inbox.until"), format.date(form.expires_at)]);
  return (
    <dl className="mb-4 flex flex-wrap items-center gap-x-5 gap-y-2 text-sm">
      <dt className="sr-only">{t("inbox.state")}</dt>
      <dd>
        <FormState form={form} />
      </dd>
      {facts.map(([name, value]) => (
        <div key={name} className="flex gap-1.5">
          <dt className="text-muted">{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function ToldPeople({ told }: { told: FormDetail["told"] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const isOff = told.every(({ mail }) => mail === "off");
  return (
    <Panel title={t("inbox.told")} hint={isOff ? t("inbox.mailOff") : undefined} className="mt-4" flush>
      <ul>
        {told.map((one) => (
          <li key={one.address} className="flex flex-wrap items-center gap-x-3 border-b border-line px-4 py-2.5 last:border-b-0">
            <Mail size={15} className="shrink-0 text-muted" aria-hidden />
            <span className="min-w-0 grow break-all">{one.address}</span>
            <span className={one.mail === "failed" ? "text-sm text-bad" : "text-sm text-muted"}>
              {t(`inbox.mail.${one.mail as "sent"}`)}
              {one.sent_at !== null && ` · ${format.date(one.sent_at)}`}
            </span>
            {one.error && <p className="w-full pl-7 text-sm break-words text-muted">{one.error}</p>}
          </li>
        ))}
      </ul>
    </Panel>
  );
}
