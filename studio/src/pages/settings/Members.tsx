import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Account } from "@/api/client";
import { members } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { Badge } from "@/ui/Badge";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

export function Members() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(members);
  const columns: Column<Account>[] = [
    {
      id: "name",
      title: t("common.name"),
      className: "w-full",
      cell: (one) => (
        <>
          <p className="font-medium">{one.name}</p>
          <p className="text-sm break-all text-muted">{one.email}</p>
        </>
      ),
    },
    { id: "role", title: t("members.role"), cell: (one) => <Badge>{t(`members.${one.role}`)}</Badge> },
    {
      id: "since",
      title: t("members.since"),
      wideOnly: true,
      cell: (one) => <span className="whitespace-nowrap text-muted">{format.date(one.created_at)}</span>,
    },
  ];
  return (
    <Page>
      <SettingsHead tab="members" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel title={t("settings.members")} flush>
          {!data && <SkeletonRows rows={2} label={t("common.loading")} />}
          {data && <Table label={t("settings.members")} columns={columns} rows={data} rowKey={({ id }) => id} />}
        </Panel>
      )}
    </Page>
  );
}
