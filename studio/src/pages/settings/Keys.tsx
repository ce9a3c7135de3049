import { useQuery } from "@tanstack/react-query";
import { Gauge, KeyRound, Plus, Trash2, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { ApiKey } from "@/api/client";
import { apps, keys, quotas } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupBadges } from "@/frame/GroupBadges";
import { useFormat } from "@/i18n/format";
import { type Grouped, GroupsOf } from "@/pages/settings/GroupsOf";
import { LimitMeters } from "@/pages/settings/LimitMeters";
import { LimitPanel, type Limited } from "@/pages/settings/LimitPanel";
import { LoseKey } from "@/pages/settings/LoseKey";
import { NewKey } from "@/pages/settings/NewKey";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

export function Keys() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(keys);
  const { data: allApps } = useQuery(apps);
  const [making, setMaking] = useState(false);
  const [losing, setLosing] = useState<ApiKey | null>(null);
  const [limiting, setLimiting] = useState<Limited | null>(null);
  const [grouping, setGrouping] = useState<Grouped | null>(null);
  const { data: bounded } = useQuery(quotas);
  const when = (time: number | null, none: string) => (
    <span className="whitespace-nowrap text-muted">{time === null ? none : format.ago(time)}</span>
  );
  const columns: Column<ApiKey>[] = [
    {
      id: "name",
      title: t("common.name"),
      className: "w-full",
      cell: (key) => (
        <>
          <p className="font-medium">{key.name || t("keys.unnamed")}</p>
          <code className="font-mono text-sm text-muted">{key.hint}…</code>
          <GroupBadges groups={key.groups} />
          <p className="text-sm text-muted md:hidden">
            {t("keys.used")}: {when(key.last_used_at, t("keys.unused"))}
          </p>
        </>
      ),
    },
    {
      id: "kind",
      title: t("keys.kind"),
      cell: (key) => {
        const app = allApps?.find(({ id }) => id === key.app_id);
        return (
          <Badge tone={key.kind === "admin" ? "warn" : "plain"}>
            {t(`keys.${key.kind}`)}
            {app && ` · ${app.name}`}
          </Badge>
        );
      },
    },
    {
      id: "limits",
      title: t("limits.title"),
      wideOnly: true,
      className: "min-w-48",
      cell: (key) => {
        const quota = bounded?.find(({ subject, subject_id }) => subject === "key" && subject_id === key.id);
        return quota ? <LimitMeters quota={quota} /> : <span className="text-muted">{t("limits.none")}</span>;
      },
    },
    { id: "used", title: t("keys.used"), wideOnly: true, cell: (key) => when(key.last_used_at, t("keys.unused")) },
    { id: "ends", title: t("keys.ends"), wideOnly: true, cell: (key) => when(key.expires_at, t("keys.term.never")) },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      cell: (key) => (
        <span className="flex justify-end">
          {key.kind !== "admin" && (
            <IconButton
              icon={Users}
              size="small"
              label={t("groups.of", { name: key.name || key.hint })}
              onClick={() => setGrouping({ kind: "key", id: key.id, name: key.name || key.hint, groups: key.groups })}
            />
          )}
          <IconButton
            icon={Gauge}
            size="small"
            label={t("limits.ofOne", { name: key.name || key.hint })}
            onClick={() => setLimiting({ subject: "key", id: key.id, name: key.name || key.hint })}
          />
          <IconButton icon={Trash2} size="small" label={t("keys.revoke", { name: key.name || key.hint })} onClick={() => setLosing(key)} />
        </span>
      ),
    },
  ];
  return (
    <Page>
      <SettingsHead tab="keys" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel
          title={t("settings.keys")}
          flush
          actions={
            <Button size="small" kind="primary" icon={Plus} onClick={() => setMaking(true)}>
              {t("keys.new")}
            </Button>
          }
        >
          {!data && <SkeletonRows label={t("common.loading")} />}
          {data && (
            <Table
              label={t("settings.keys")}
              columns={columns}
              rows={data}
              rowKey={({ id }) => id}
              empty={<EmptyState icon={KeyRound} title={t("keys.none")} text={t("keys.noneText")} />}
            />
          )}
        </Panel>
      )}
      <Dialog open={making} onClose={() => setMaking(false)} title={t("keys.new")} closeLabel={t("common.close")} wide>
        <NewKey onClose={() => setMaking(false)} />
      </Dialog>
      <GroupsOf of={grouping} onClose={() => setGrouping(null)} />
      <LimitPanel of={limiting} onClose={() => setLimiting(null)} />
      <LoseKey one={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}
