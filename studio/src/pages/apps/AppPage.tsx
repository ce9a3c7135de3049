import { Link, linkOptions } from "@tanstack/react-router";
import { AppWindow, Lock, MessagesSquare } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { App } from "@/api/client";
import { answers, hasTriggers, isPlain, modeOf } from "@/api/modes";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PageWaiting } from "@/frame/PageStates";
import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { AppIcon } from "@/pages/apps/AppIcon";
import { useApp } from "@/pages/apps/useApp";
import { Badge } from "@/ui/Badge";
import { Page } from "@/ui/Page";
import { EmptyState } from "@/ui/States";
import { LinkTab, LinkTabs } from "@/ui/Tabs";

const NEEDS = { settings: "editor", triggers: "editor", runs: "editor", publish: "editor", api: "member" } as const;
const TABS = [
  ["/apps/$app", "settings"],
  ["/apps/$app/triggers", "triggers"],
  ["/apps/$app/runs", "runs"],
  ["/apps/$app/publish", "publish"],
  ["/apps/$app/api", "api"],
] as const;

interface AppPageProps {
  named: string;
  tab: (typeof TABS)[number][1];
  children: (app: App) => ReactNode;
}

/** What stands around every tab of an app. */
export function AppPage({ named, tab, children }: AppPageProps) {
  const { t } = useTranslation();
  const { app, error, retry } = useApp(named);
  const may = useMay()(NEEDS[tab]);
  useCrumbs({ label: t("nav.apps"), to: "/apps" }, { label: app?.name ?? "" }, { label: app ? t(`apps.tab.${tab}`) : "" });
  if (error) {
    return (
      <Page>
        <ErrorPanel error={error} onRetry={retry} />
      </Page>
    );
  }
  if (app === undefined) return <PageWaiting />;
  if (app === null) {
    return (
      <EmptyState icon={AppWindow} title={t("apps.missing")} text={t("apps.missingText")}>
        <Link to="/apps" className="text-accent-ink underline underline-offset-2">
          {t("apps.toAll")}
        </Link>
      </EmptyState>
    );
  }
  return (
    <Page>
      <div className="mb-4 flex flex-wrap items-center gap-x-3 gap-y-3">
        <AppIcon icon={app.config.icon} background={app.config.icon_background} />
        <div className="min-w-0 grow basis-52">
          <h1 className="truncate text-xl font-semibold tracking-tight">{app.name}</h1>
          {app.description && <p className="truncate text-base text-muted">{app.description}</p>}
        </div>
        {!isPlain(app) && <Badge tone="info">{t(`apps.mode.${modeOf(app)}`)}</Badge>}
        {answers(app) && (
          <Link
            to="/chat/$app"
            params={{ app: app.id }}
            className="inline-flex h-9 items-center gap-1.5 rounded-md border border-control/60 bg-surface px-3.5 font-medium hover:bg-hover"
          >
            <MessagesSquare size={15} aria-hidden />
            {t("apps.open")}
          </Link>
        )}
      </div>
      <LinkTabs label={app.name}>
        {TABS.filter(([, name]) => (name === "triggers" ? hasTriggers(app) : answers(app) || name === "settings" || name === "runs")).map(([to, name]) => (
          <LinkTab key={to} holds={name === "runs"} link={linkOptions({ to, params: { app: named } })}>
            {t(`apps.tab.${name}`)}
          </LinkTab>
        ))}
      </LinkTabs>
      {may ? children(app) : <EmptyState icon={Lock} title={t("role.readOnly")} text={t("role.editorChanges")} />}
    </Page>
  );
}
