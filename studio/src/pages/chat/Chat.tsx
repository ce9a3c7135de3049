import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate, useParams } from "@tanstack/react-router";
import { PanelLeft, PanelLeftOpen, SquarePen } from "lucide-react";
import { useCallback, useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import type { Citation } from "@/api/ask";
import type { App } from "@/api/client";
import { apps } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PageWaiting } from "@/frame/PageStates";
import { useCrumbs } from "@/frame/crumbs";
import { showHistory, usePreferences } from "@/frame/preferences";
import { useMay } from "@/frame/role";
import { CitationPanel } from "@/pages/chat/CitationPanel";
import { Conversation } from "@/pages/chat/Conversation";
import { History } from "@/pages/chat/History";
import { NewApp } from "@/pages/apps/NewApp";
import { type Thread, settle, threadOf, useThread } from "@/pages/chat/threads";
import { IconButton } from "@/ui/Button";
import { SidePanel } from "@/ui/Dialog";
import { preloadMarkdown } from "@/ui/Markdown";
import { Select } from "@/ui/Select";
import { EmptyState } from "@/ui/States";
import { cx } from "@/ui/classes";

const route = getRouteApi("/inside/chat/$app");

preloadMarkdown();

export function Chat() {
  const { t } = useTranslation();
  const { app: id } = route.useParams();
  const { conversation = null } = useParams({ strict: false });
  const { data, error, refetch } = useQuery(apps);
  const app = data?.find((one) => one.id === id || one.name === id);
  if (error) {
    return (
      <div className="mx-auto max-w-2xl p-6">
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (!data) return <PageWaiting />;
  if (!app) return <EmptyState icon={SquarePen} title={t("chat.missing")} text={t("chat.missingText")} />;
  return <Room app={app} all={data} conversation={conversation} />;
}

/** The history beside the conversation; on a phone it slides in. */
function Room({ app, all, conversation }: { app: App; all: readonly App[]; conversation: string | null }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const hidden = usePreferences().history === "hidden";
  const may = useMay()("editor");
  const [drawer, setDrawer] = useState(false);
  const [making, setMaking] = useState(false);
  const begin = useCallback(() => {
    setDrawer(false);
    settle(app.id);
    void go({ to: "/chat/$app", params: { app: app.id } });
  }, [app.id, go]);
  const anew = useMemo(
    (): Action => ({
      id: "chat-new",
      label: t("chat.new"),
      group: t("nav.chat"),
      icon: SquarePen,
      shortcut: "mod+shift+o",
      run: begin,
    }),
    [t, begin],
  );
  useActions(useMemo(() => [anew], [anew]));
  const thread = threadOf(app.id, conversation);
  const history = { app, open: conversation, onNew: begin, onChosen: () => setDrawer(false) };
  return (
    <div className="flex h-full">
      <h1 className="sr-only">{app.name}</h1>
      <aside className={cx("w-66 shrink-0 border-r border-line", hidden ? "hidden" : "hidden md:block")}>
        <History {...history} onCollapse={() => showHistory("hidden")} />
      </aside>
      <div className="flex min-w-0 grow flex-col">
        <div className="flex items-center gap-1.5 border-b border-line bg-surface px-2 py-2 sm:px-4">
          <IconButton icon={PanelLeft} label={t("chat.history.title")} onClick={() => setDrawer(true)} className="md:hidden" />
          {hidden && (
            <IconButton
              icon={PanelLeftOpen}
              label={t("chat.history.show")}
              onClick={() => showHistory("shown")}
              className="hidden md:inline-flex"
            />
          )}
          <Select
            label={t("chat.app")}
            value={app.id}
            choices={[
              ...all.map((one) => ({ value: one.id, label: one.name, hint: one.description })),
              ...(may ? [{ value: "", label: t("apps.new"), hint: t("apps.newText") }] : []),
            ]}
            onChange={(value) => (value ? void go({ to: "/chat/$app", params: { app: value } }) : setMaking(true))}
            className="max-w-64"
          />
          <div className="grow" />
          <IconButton icon={anew.icon} label={anew.label} onClick={anew.run} className={cx(!hidden && "md:hidden")} />
        </div>
        <Talk key={thread.key} app={app} thread={thread} conversation={conversation} />
      </div>
      <SidePanel
        side="left"
        open={drawer}
        onClose={() => setDrawer(false)}
        title={t("chat.history.title")}
        closeLabel={t("common.close")}
        flush
      >
        <History {...history} />
      </SidePanel>
      <NewApp open={making} onClose={() => setMaking(false)} then="/chat/$app" />
    </div>
  );
}

function Talk({ app, thread, conversation }: { app: App; thread: Thread; conversation: string | null }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const shown = useThread(thread);
  const [citation, setCitation] = useState<Citation | null>(null);
  useCrumbs({ label: t("nav.chat"), to: "/chat" }, { label: app.name, to: `/chat/${app.id}` }, { label: shown.name });
  useEffect(() => {
    if (conversation !== null) settle(app.id);
    else if (shown.conversation !== null) {
      void go({ to: "/chat/$app/$conversation", params: { app: app.id, conversation: shown.conversation }, replace: true });
    }
  }, [app.id, conversation, go, shown.conversation]);
  return (
    <>
      <Conversation
        app={app.id}
        thread={thread}
        opening={<Opening app={app} onAsk={(question) => void thread.ask(question)} />}
        onCitation={setCitation}
      />
      <CitationPanel citation={citation} onClose={() => setCitation(null)} />
    </>
  );
}

function Opening({ app, onAsk }: { app: App; onAsk: (question: string) => void }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-5 sm:pt-[8vh]">
      <div>
        <h2 className="text-xl font-semibold tracking-tight">{app.name}</h2>
        <p className="mt-1 text-md text-muted">{app.config.opening_statement || app.description || t("chat.opening")}</p>
      </div>
      {app.config.suggested_questions.length > 0 && (
        <ul aria-label={t("chat.suggested")} className="grid gap-2 sm:grid-cols-2">
          {app.config.suggested_questions.map((question) => (
            <li key={question}>
              <button
                type="button"
                onClick={() => onAsk(question)}
                className="h-full w-full rounded-lg border border-line bg-surface px-4 py-3 text-left hover:border-control"
              >
                {question}
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
