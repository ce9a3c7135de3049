import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { ApiKey, App } from "@/api/client";
import { keys } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { AppPage } from "@/pages/apps/AppPage";
import { CodeBlock } from "@/pages/apps/CodeBlock";
import { SAMPLES, type Sample, sampleOf } from "@/pages/apps/samples";
import { LoseKey } from "@/pages/settings/LoseKey";
import { NewKey } from "@/pages/settings/NewKey";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Panel } from "@/ui/Panel";
import { Segments } from "@/ui/Segments";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/apps/$app/api");

export function AppApi() {
  const { t } = useTranslation();
  const { app: named } = route.useParams();
  const may = useMay()("admin");
  return (
    <AppPage named={named} tab="api">
      {(app) => (
        <div className="flex max-w-3xl flex-col gap-4">
          {may ? (
            <AppKeys app={app} />
          ) : (
            <Panel title={t("settings.keys")}>
              <p className="text-muted">{t("role.adminKeys")}</p>
            </Panel>
          )}
          <Samples app={app} />
        </div>
      )}
    </AppPage>
  );
}

function AppKeys({ app }: { app: App }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(keys);
  const [making, setMaking] = useState(false);
  const [losing, setLosing] = useState<ApiKey | null>(null);
  const own = data?.filter((key) => key.app_id === app.id);
  return (
    <Panel
      title={t("settings.keys")}
      hint={t("appApi.keysText")}
      flush
      actions={
        <Button size="small" kind="primary" icon={Plus} onClick={() => setMaking(true)}>
          {t("keys.new")}
        </Button>
      }
    >
      {error && (
        <div className="p-4">
          <ErrorPanel error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {!own && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
      {own?.length === 0 && <EmptyState icon={KeyRound} title={t("keys.none")} text={t("keys.noneText")} />}
      <ul>
        {own?.map((key) => (
          <li key={key.id} className="flex items-center gap-3 border-b border-line px-4 py-2.5 last:border-b-0">
            <div className="min-w-0 grow">
              <p className="truncate font-medium">{key.name || t("keys.unnamed")}</p>
              <p className="flex flex-wrap gap-x-3 text-sm text-muted">
                <code className="font-mono">{key.hint}…</code>
                <span>
                  {t("keys.used")}: {key.last_used_at === null ? t("keys.unused") : format.ago(key.last_used_at)}
                </span>
                <span>
                  {t("keys.ends")}: {key.expires_at === null ? t("keys.term.never") : format.ago(key.expires_at)}
                </span>
              </p>
            </div>
            <IconButton icon={Trash2} size="small" label={t("keys.revoke", { name: key.name || key.hint })} onClick={() => setLosing(key)} />
          </li>
        ))}
      </ul>
      <Dialog open={making} onClose={() => setMaking(false)} title={t("keys.new")} closeLabel={t("common.close")} wide>
        <NewKey of={app} onClose={() => setMaking(false)} />
      </Dialog>
      <LoseKey one={losing} onClose={() => setLosing(null)} />
    </Panel>
  );
}

function Samples({ app }: { app: App }) {
  const { t } = useTranslation();
  const [sample, setSample] = useState<Sample>("curl");
  const question = app.config.suggested_questions[0] ?? t("appApi.question");
  return (
    <Panel title={t("appApi.samples")} hint={t("appApi.samplesText")}>
      <div className="mb-3">
        <Segments
          label={t("appApi.samples")}
          value={sample}
          choices={SAMPLES.map((value) => ({ value, label: t(`appApi.sample.${value}`) }))}
          onChange={setSample}
        />
      </div>
      <CodeBlock text={sampleOf(sample, window.location.origin, app.name, question)} label={t("common.copy")} />
      <p className="mt-3 text-sm text-muted">{t(`appApi.about.${sample}`)}</p>
    </Panel>
  );
}
