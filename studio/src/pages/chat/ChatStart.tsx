import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { MessagesSquare, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { chatApps } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { NewApp } from "@/pages/apps/NewApp";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { PageHead } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";

export function ChatStart() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(chatApps);
  const [making, setMaking] = useState(false);
  useCrumbs({ label: t("nav.chat") });
  const may = useMay()("editor");
  const add = may && (
    <Button kind="primary" icon={Plus} onClick={() => setMaking(true)}>
      {t("apps.new")}
    </Button>
  );
  return (
    <Page>
      <PageHead title={t("nav.chat")} hint={t("chat.start")} actions={add} />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows label={t("common.loading")} />}
      {data?.length === 0 && (
        <EmptyState icon={MessagesSquare} title={t("chat.none")} text={may ? t("chat.noneText") : t("role.none")}>
          {add}
        </EmptyState>
      )}
      <ul className="grid grid-cols-1 gap-3 sm:grid-cols-2 lg:grid-cols-3">
        {data?.map((app) => (
          <li key={app.id}>
            <Link
              to="/chat/$app"
              params={{ app: app.id }}
              className="flex h-full flex-col rounded-lg border border-line bg-surface p-4 hover:border-control"
            >
              <span className="flex items-center gap-2.5 font-semibold">
                <MessagesSquare size={16} className="shrink-0 text-accent-ink" aria-hidden />
                <span className="truncate">{app.name}</span>
              </span>
              <span className="mt-1.5 line-clamp-2 grow break-words text-muted">{app.description || t("chat.opening")}</span>
              <span className="mt-3 text-sm text-faint">{format.ago(app.updated_at)}</span>
            </Link>
          </li>
        ))}
      </ul>
      <NewApp open={making} onClose={() => setMaking(false)} then="/chat/$app" />
    </Page>
  );
}
