import { useQuery } from "@tanstack/react-query";
import { Globe, LockKeyhole, Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { externals } from "@/api/external";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { Connect } from "@/pages/knowledge/external/Connect";
import { ServeHere } from "@/pages/knowledge/external/ServeHere";
import { Servers } from "@/pages/knowledge/external/Servers";
import { Button } from "@/ui/Button";
import { Page } from "@/ui/Page";
import { PageHead, Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";

/** Knowledge of other servers, and how others ask ours. */
export function ExternalPage() {
  const { t } = useTranslation();
  const may = useMay();
  const { data, error, refetch } = useQuery({ ...externals, enabled: may("editor") });
  const [at, setAt] = useState<string | null>(null);
  const [connecting, setConnecting] = useState(false);
  useCrumbs({ label: t("nav.knowledge"), to: "/knowledge" }, { label: t("external.title") });
  const mayConnect = may("admin") || (data !== undefined && data.length > 0);
  const connect = (id: string | null) => {
    setAt(id);
    setConnecting(true);
  };
  const button = mayConnect && (
    <Button kind="primary" icon={Plus} onClick={() => connect(null)}>
      {t("external.connect")}
    </Button>
  );
  return (
    <Page>
      <PageHead title={t("external.title")} hint={t("external.text")} actions={may("editor") && data && data.length > 0 && button} />
      {!may("editor") ? (
        <Panel>
          <EmptyState icon={LockKeyhole} title={t("external.notYours")} text={t("external.notYoursText")} />
        </Panel>
      ) : (
        <div className="flex flex-col gap-4">
          {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
          {!error && (
            <Panel title={t("external.servers")} hint={t("external.serversText")} flush>
              {!data && <SkeletonRows rows={2} label={t("common.loading")} />}
              {data?.length === 0 && (
                <EmptyState icon={Globe} title={t("external.none")} text={may("admin") ? t("external.noneText") : t("external.noneEditor")}>
                  {button}
                </EmptyState>
              )}
              {data && data.length > 0 && <Servers servers={data} onConnect={connect} />}
            </Panel>
          )}
          <ServeHere />
        </div>
      )}
      <Connect open={connecting} servers={data ?? []} at={at} onClose={() => setConnecting(false)} />
    </Page>
  );
}
