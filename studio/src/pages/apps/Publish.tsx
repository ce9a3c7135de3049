import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";

import { type App, type Site, api, body } from "@/api/client";
import { siteOf, sites } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PageWaiting } from "@/frame/PageStates";
import { PublicStart } from "@/page/PublicStart";
import { AppPage } from "@/pages/apps/AppPage";
import { Beside } from "@/pages/apps/Beside";
import { EmbedPanel } from "@/pages/apps/EmbedPanel";
import { SaveBar } from "@/pages/apps/SaveBar";
import { SiteAddress } from "@/pages/apps/SiteAddress";
import { SiteLimits, SiteLook } from "@/pages/apps/SiteFields";
import { type SiteDraft, isSame, siteDraftOf, siteOfDraft, siteProblemsOf } from "@/pages/apps/site";
import { toast } from "@/ui/Toasts";

const route = getRouteApi("/inside/apps/$app/publish");

export function Publish() {
  const { app: named } = route.useParams();
  return (
    <AppPage named={named} tab="publish">
      {(app) => <Loaded key={app.id} app={app} />}
    </AppPage>
  );
}

function Loaded({ app }: { app: App }) {
  const { data, error, refetch } = useQuery(siteOf(app.id));
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (data === undefined) return <PageWaiting />;
  return <Form app={app} site={data} />;
}

function Form({ app, site }: { app: App; site: Site | null }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [draft, setDraft] = useState<SiteDraft>(() => siteDraftOf(site));
  const isOn = site?.is_on ?? false;
  const dirty = !isSame(draft, siteDraftOf(site));
  const problems = siteProblemsOf(draft);
  const kept = (saved: Site) => {
    client.setQueryData(siteOf(app.id).queryKey, saved);
    void client.invalidateQueries({ queryKey: sites.queryKey, exact: true });
  };
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: (on: boolean) =>
      body(api.PUT("/apps/{app}/site", { params: { path: { app: app.id } }, body: siteOfDraft(draft, on) })),
    onSuccess: (saved, on) => {
      kept(saved);
      setDraft(siteDraftOf(saved));
      toast(on === isOn ? t("apps.saved") : on ? t("publish.nowOn") : t("publish.nowOff"));
    },
  });
  const save = useCallback(() => mutate(isOn), [mutate, isOn]);
  const change = (some: Partial<SiteDraft>) => setDraft((now) => ({ ...now, ...some }));
  const form = (
    <div className="flex flex-col gap-4">
      <SiteAddress app={app} site={site} busy={isPending} blocked={problems.length > 0} onSwitch={mutate} onRenewed={kept} />
      {error && <ErrorPanel error={error} />}
      <SiteLook app={app} draft={draft} change={change} />
      <EmbedPanel site={site} draft={draft} change={change} />
      <SiteLimits draft={draft} problems={problems} change={change} />
      <SaveBar
        dirty={dirty}
        busy={isPending}
        blocked={problems.length > 0}
        onSave={save}
        onDiscard={() => {
          reset();
          setDraft(siteDraftOf(site));
        }}
      />
    </div>
  );
  return <Beside form={form} made={<SitePreview app={app} draft={draft} />} />;
}

/** The page's first screen as it would be with what stands in the form. */
function SitePreview({ app, draft }: { app: App; draft: SiteDraft }) {
  const { t } = useTranslation();
  const { icon, icon_background, opening_statement, suggested_questions } = app.config;
  return (
    <>
      <h2 className="border-b border-line bg-surface px-4 py-3 font-semibold">{t("publish.preview")}</h2>
      <div inert className="scroll-quiet grow overflow-y-auto px-5 py-2">
        <PublicStart
          title={draft.title || app.name}
          welcome={draft.welcome || opening_statement}
          description={app.description}
          icon={icon}
          background={icon_background}
          suggested={suggested_questions}
        />
      </div>
    </>
  );
}
