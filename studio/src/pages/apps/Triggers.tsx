import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { CalendarClock } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { App } from "@/api/client";
import { triggersOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { AppPage } from "@/pages/apps/AppPage";
import { SchedulePanel } from "@/pages/apps/SchedulePanel";
import { WebhookPanel } from "@/pages/apps/WebhookPanel";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/apps/$app/triggers");

export function Triggers() {
  const { app: named } = route.useParams();
  return (
    <AppPage named={named} tab="triggers">
      {(app) => <List app={app} />}
    </AppPage>
  );
}

/** What starts the workflow by itself. */
function List({ app }: { app: App }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(triggersOf(app.id));
  if (error && !data) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows rows={4} label={t("common.loading")} />;
  if (data.length === 0) {
    return <EmptyState icon={CalendarClock} title={t("triggers.none")} text={t("triggers.noneText")} />;
  }
  return (
    <div className="flex max-w-3xl flex-col gap-4">
      {data.map((trigger) =>
        trigger.kind === "webhook" ? (
          <WebhookPanel key={trigger.id} app={app} trigger={trigger} />
        ) : (
          <SchedulePanel key={trigger.id} app={app} trigger={trigger} />
        ),
      )}
    </div>
  );
}
