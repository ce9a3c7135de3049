import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import type { SettingValue } from "@/api/client";
import { settings } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { matches } from "@/frame/filter";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { Badge } from "@/ui/Badge";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

const route = getRouteApi("/inside/administration/settings/values");

const written = (value: unknown): string =>
  value === null || value === undefined ? "–" : typeof value === "string" ? value || '""' : JSON.stringify(value);

function Value({ setting }: { setting: SettingValue }) {
  const { t } = useTranslation();
  return (
    <span className="flex flex-wrap items-center gap-2">
      <code className="font-mono text-sm break-all">{written(setting.value)}</code>
      {written(setting.value) !== written(setting.default) && <Badge tone="accent">{t("values.changed")}</Badge>}
    </span>
  );
}

export function Values() {
  const { t } = useTranslation();
  const { search = "" } = route.useSearch();
  const go = route.useNavigate();
  const { data, error, refetch } = useQuery(settings);
  const columns: Column<SettingValue>[] = [
    {
      id: "key",
      title: t("values.key"),
      className: "md:w-3/5",
      cell: (one) => (
        <>
          <code className="font-mono text-sm font-medium break-all">{one.key}</code>
          <p className="text-sm text-muted">{one.help}</p>
          <div className="mt-1 md:hidden">
            <Value setting={one} />
          </div>
        </>
      ),
    },
    {
      id: "value",
      title: t("values.value"),
      wideOnly: true,
      cell: (one) => <Value setting={one} />,
    },
    {
      id: "default",
      title: t("values.default"),
      wideOnly: true,
      cell: (one) => <code className="font-mono text-sm break-all text-muted">{written(one.default)}</code>,
    },
  ];
  const rows = data?.filter(({ key, help }) => matches(`${key} ${help}`, search)) ?? [];
  return (
    <Page>
      <SettingsHead tab="values" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel flush>
          <div className="border-b border-line p-3">
            <Input
              type="search"
              aria-label={t("values.find")}
              placeholder={t("values.find")}
              defaultValue={search}
              onChange={(event) => void go({ search: { search: event.target.value || undefined }, replace: true })}
              className="max-w-72"
            />
          </div>
          {!data && <SkeletonRows rows={10} label={t("common.loading")} />}
          {data && (
            <Table
              label={t("settings.values")}
              columns={columns}
              rows={rows}
              rowKey={({ key }) => key}
              empty={<p className="p-8 text-center text-muted">{t("common.noMatch")}</p>}
            />
          )}
        </Panel>
      )}
    </Page>
  );
}
