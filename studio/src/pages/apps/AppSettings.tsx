import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { Trash2 } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";

import { type App, api, body } from "@/api/client";
import { asApiError } from "@/api/errors";
import { answers, isPlain } from "@/api/modes";
import { apps } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { AnswerFields, KnowledgeFields, LookFields, WordFields } from "@/pages/apps/AppFields";
import { AppPage } from "@/pages/apps/AppPage";
import { Beside } from "@/pages/apps/Beside";
import { KeptDesign } from "@/pages/apps/KeptDesign";
import { LoseApp } from "@/pages/apps/LoseApp";
import { SaveBar } from "@/pages/apps/SaveBar";
import { TryApp } from "@/pages/apps/TryApp";
import { type AppDraft, changesOf, draftOf, problemsOf } from "@/pages/apps/draft";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/Toasts";

const route = getRouteApi("/inside/apps/$app");

export function AppSettings() {
  const { app: named } = route.useParams();
  return (
    <AppPage named={named} tab="settings">
      {(app) => (
        <Beside key={app.id} form={<Form app={app} />} made={answers(app) ? <TryApp app={app} /> : null} />
      )}
    </AppPage>
  );
}

function Form({ app }: { app: App }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const go = useNavigate();
  const [base, setBase] = useState(app);
  const [draft, setDraft] = useState<AppDraft>(() => draftOf(app));
  const [losing, setLosing] = useState(false);
  const [restarting, setRestarting] = useState(false);
  const changes = changesOf(base, draft);
  const dirty = Object.keys(changes).length > 0;
  const problems = problemsOf(draft);
  if (!dirty && app.updated_at > base.updated_at) {
    setBase(app); // somebody else changed it, and nothing here is lost by showing that
    setDraft(draftOf(app));
  }
  const { mutate, isPending, error, reset } = useMutation({
    mutationFn: () =>
      body(
        api.PATCH("/apps/{app}", { params: { path: { app: base.id } }, body: { ...changes, seen_at: base.updated_at } }),
      ),
    onSuccess: (saved) => {
      client.setQueryData(apps.queryKey, (all) => all?.map((one) => (one.id === saved.id ? saved : one)));
      setBase(saved);
      setDraft(draftOf(saved));
      toast(t("apps.saved"));
    },
  });
  const save = useCallback(() => mutate(), [mutate]);
  const restart = async () => {
    setRestarting(true);
    await client.refetchQueries({ queryKey: apps.queryKey });
    setRestarting(false);
    const fresh = client.getQueryData(apps.queryKey)?.find(({ id }) => id === base.id);
    if (!fresh) return;
    reset();
    setBase(fresh); // the draft stays: what was typed is now a change on what stands there
  };
  const fields = {
    draft,
    problems,
    change: (some: Partial<AppDraft>) => setDraft((now) => ({ ...now, ...some })),
  };
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (dirty && problems.length === 0) save();
      }}
    >
      <Panel title={t("apps.look")}>
        <LookFields {...fields} />
      </Panel>
      {isPlain(app) ? (
        <>
          <Panel title={t("apps.sources")}>
            <KnowledgeFields {...fields} />
          </Panel>
          <Panel title={t("apps.words")}>
            <WordFields {...fields} />
          </Panel>
          <Panel title={t("apps.answers")}>
            <AnswerFields {...fields} />
          </Panel>
        </>
      ) : (
        <KeptDesign app={app} />
      )}
      <Panel title={t("apps.end")}>
        <div className="flex flex-wrap items-center gap-3">
          <p className="min-w-0 grow basis-60 text-muted">{t("apps.deleteText")}</p>
          <Button kind="danger" icon={Trash2} onClick={() => setLosing(true)}>
            {t("apps.deleteThis")}
          </Button>
        </div>
      </Panel>
      {error && (
        <ErrorPanel
          error={error}
          {...(asApiError(error).code === "changed_meanwhile" ? { onRetry: () => void restart() } : {})}
        />
      )}
      <SaveBar
        dirty={dirty}
        busy={isPending || restarting}
        blocked={problems.length > 0}
        onSave={save}
        onDiscard={() => {
          reset();
          setDraft(draftOf(base));
        }}
      />
      <LoseApp app={losing ? app : null} onClose={() => setLosing(false)} onLost={() => void go({ to: "/apps", ignoreBlocker: true })} />
    </form>
  );
}
