import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { AppWindow, Globe, MessagesSquare, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import type { App } from "@/api/client";
import { answers, isPlain, modeOf } from "@/api/modes";
import { apps, bases, sites } from "@/api/queries";
import { Listing } from "@/frame/Listing";
import { useCrumbs } from "@/frame/crumbs";
import { matches } from "@/frame/filter";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { AppIcon } from "@/pages/apps/AppIcon";
import { LoseApp } from "@/pages/apps/LoseApp";
import { NewApp } from "@/pages/apps/NewApp";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { PageHead } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState } from "@/ui/States";
import type { Column } from "@/ui/Table";

const ORDERS = ["changed", "name"] as const;
type Order = (typeof ORDERS)[number];

export function Apps() {
  const { t, i18n } = useTranslation();
  const { data, error, refetch } = useQuery(apps);
  const [typed, setTyped] = useState("");
  const [order, setOrder] = useState<Order>("changed");
  const [making, setMaking] = useState(false);
  const [losing, setLosing] = useState<App | null>(null);
  useCrumbs({ label: t("nav.apps") });
  const make = useMemo(
    (): Action => ({
      id: "apps-new",
      label: t("apps.new"),
      group: t("nav.apps"),
      icon: Plus,
      shortcut: "c",
      run: () => setMaking(true),
    }),
    [t],
  );
  const may = useMay()("editor");
  useActions(useMemo(() => (may ? [make] : []), [may, make]));
  const button = may && (
    <Button kind="primary" icon={make.icon} onClick={make.run}>
      {make.label}
    </Button>
  );
  const columns = useColumns(setLosing);
  const byName = new Intl.Collator(i18n.language, { numeric: true });
  const shown = (data ?? [])
    .filter((app) => matches(`${app.name} ${app.description}`, typed))
    .sort((one, other) => (order === "name" ? byName.compare(one.name, other.name) : other.updated_at - one.updated_at));
  return (
    <Page>
      <PageHead title={t("nav.apps")} hint={t("apps.text")} actions={button} />
      <Listing
        label={t("nav.apps")}
        filterLabel={t("apps.filter")}
        typed={typed}
        onType={setTyped}
        tools={
          <>
            <div className="grow" />
            <Select
              label={t("apps.order")}
              value={order}
              choices={ORDERS.map((value) => ({ value, label: t(`apps.by.${value}`) }))}
              onChange={setOrder}
            />
          </>
        }
        all={data}
        shown={shown}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <EmptyState icon={AppWindow} title={t("apps.none")} text={may ? t("apps.noneText") : t("role.none")}>
            {button}
          </EmptyState>
        }
        error={error}
        onRetry={() => void refetch()}
      />
      <NewApp open={making} onClose={() => setMaking(false)} then="/apps/$app" />
      <LoseApp app={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}

function useColumns(onLose: (app: App) => void): Column<App>[] {
  const { t } = useTranslation();
  const format = useFormat();
  const { data: allBases } = useQuery(bases);
  const { data: pages } = useQuery(sites);
  const may = useMay()("editor");
  return [
    {
      id: "name",
      title: t("common.name"),
      className: "w-full md:w-1/2",
      cell: (app) => (
        <div className="flex items-center gap-3">
          <AppIcon icon={app.config.icon} background={app.config.icon_background} size="small" />
          <div className="min-w-0">
            <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
              <Link to="/apps/$app" params={{ app: app.id }} className="font-medium break-words hover:underline">
                {app.name}
              </Link>
              {!isPlain(app) && <Badge tone="info">{t(`apps.mode.${modeOf(app)}`)}</Badge>}
              {pages?.some((site) => site.app_id === app.id && site.is_on) && (
                <Badge tone="accent" icon={Globe}>
                  {t("apps.public")}
                </Badge>
              )}
            </p>
            {app.description && <p className="line-clamp-2 text-sm text-muted">{app.description}</p>}
          </div>
        </div>
      ),
    },
    {
      id: "knowledge",
      title: t("nav.knowledge"),
      wideOnly: true,
      cell: (app) => {
        const names = app.config.knowledge.flatMap((id) => allBases?.find(({ base }) => base.id === id)?.base.name ?? []);
        return <span className="text-muted">{names.join(", ") || "–"}</span>;
      },
    },
    {
      id: "changed",
      title: t("common.changed"),
      wideOnly: true,
      cell: (app) => <span className="whitespace-nowrap text-muted">{format.ago(app.updated_at)}</span>,
    },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      cell: (app) => (
        <div className="flex justify-end gap-1">
          {answers(app) && (
            <Link
              to="/chat/$app"
              params={{ app: app.id }}
              aria-label={t("apps.talk", { name: app.name })}
              title={t("apps.talk", { name: app.name })}
              className="inline-flex size-7 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-ink"
            >
              <MessagesSquare size={15} aria-hidden />
            </Link>
          )}
          {may && (
            <IconButton icon={Trash2} size="small" label={t("apps.delete", { name: app.name })} onClick={() => onLose(app)} />
          )}
        </div>
      ),
    },
  ];
}
