import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Inbox as InboxIcon } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { FormRow } from "@/api/client";
import { formsOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Pager } from "@/frame/Pager";
import { useCrumbs } from "@/frame/crumbs";
import { useFormat } from "@/i18n/format";
import { FormState } from "@/pages/inbox/FormState";
import { Page } from "@/ui/Page";
import { PageHead, Panel } from "@/ui/Panel";
import { Segments } from "@/ui/Segments";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

const STATES = ["waiting", "over"] as const;

/** Forms that runs of workflows wait for, and those that are over. */
export function Inbox() {
  const { t } = useTranslation();
  const { state = "waiting", page = 1 } = useSearch({ from: "/inside/inbox" });
  const go = useNavigate({ from: "/inbox" });
  const { data, error, refetch } = useQuery(formsOf(state, page));
  useCrumbs({ label: t("nav.inbox") });
  const columns = useColumns(state);
  return (
    <Page>
      <PageHead
        title={t("nav.inbox")}
        hint={t("inbox.text")}
        actions={
          <Segments
            label={t("inbox.which")}
            value={state}
            choices={STATES.map((value) => ({ value, label: t(`inbox.${value}`) }))}
            onChange={(next) => void go({ search: { state: next === "waiting" ? undefined : next } })}
          />
        }
      />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel flush>
          {!data && <SkeletonRows label={t("common.loading")} />}
          {data && (
            <Table
              label={t(`inbox.${state}`)}
              columns={columns}
              rows={data.forms}
              rowKey={({ id }) => id}
              empty={
                <EmptyState
                  icon={InboxIcon}
                  title={t(state === "waiting" ? "inbox.none" : "inbox.noneOver")}
                  text={t(state === "waiting" ? "inbox.noneText" : "inbox.noneOverText")}
                />
              }
            />
          )}
          <Pager page={page} of={data} onPage={(next) => void go({ search: (now) => ({ ...now, page: next }) })} />
        </Panel>
      )}
    </Page>
  );
}

function useColumns(state: (typeof STATES)[number]): Column<FormRow>[] {
  const { t } = useTranslation();
  const format = useFormat();
  const when = (time: number) => <span className="whitespace-nowrap text-muted">{format.ago(time)}</span>;
  return [
    {
      id: "title",
      title: t("inbox.form"),
      className: "w-full",
      cell: (form) => (
        <>
          <Link to="/inbox/$form" params={{ form: form.id }} className="font-medium hover:underline">
            {form.title}
          </Link>
          <p className="line-clamp-2 text-sm text-muted">
            {form.app_name}
            {form.excerpt && ` · ${form.excerpt}`}
          </p>
        </>
      ),
    },
    ...(state === "waiting"
      ? [
          { id: "asked", title: t("inbox.asked"), wideOnly: true, cell: (form: FormRow) => when(form.created_at) },
          { id: "until", title: t("inbox.until"), cell: (form: FormRow) => when(form.expires_at) },
        ]
      : [
          { id: "state", title: t("inbox.state"), cell: (form: FormRow) => <FormState form={form} /> },
          { id: "by", title: t("inbox.by"), wideOnly: true, cell: (form: FormRow) => <span className="text-muted">{nameOf(form, t("inbox.byLink"))}</span> },
          { id: "when", title: t("inbox.when"), wideOnly: true, cell: (form: FormRow) => when(form.answered_at ?? form.expires_at) },
        ]),
  ];
}

const nameOf = (form: FormRow, unnamed: string): string => (form.state === "submitted" ? form.answered_by || unnamed : "–");
