import { useQuery } from "@tanstack/react-query";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { ArrowDown, SquarePen } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import type { Citation } from "@/api/ask";
import type { App } from "@/api/client";
import { apps } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { PageWaiting } from "@/frame/PageStates";
import { useCrumbs } from "@/frame/crumbs";
import { Answer } from "@/pages/chat/Answer";
import { CitationPanel } from "@/pages/chat/CitationPanel";
import { Composer } from "@/pages/chat/Composer";
import { NewApp } from "@/pages/apps/NewApp";
import { threadOf, useThread } from "@/pages/chat/threads";
import { Button, IconButton } from "@/ui/Button";
import { preloadMarkdown } from "@/ui/Markdown";
import { Select } from "@/ui/Select";
import { EmptyState } from "@/ui/States";

const route = getRouteApi("/inside/chat/$app");
const NEAR_PX = 120;

preloadMarkdown();

export function Chat() {
  const { t } = useTranslation();
  const { app: id } = route.useParams();
  const { data, error, refetch } = useQuery(apps);
  const app = data?.find((one) => one.id === id || one.name === id);
  useCrumbs({ label: t("nav.chat"), to: "/chat" }, { label: app?.name ?? "" });
  if (error) {
    return (
      <div className="mx-auto max-w-2xl p-6">
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      </div>
    );
  }
  if (!data) return <PageWaiting />;
  if (!app) return <EmptyState icon={SquarePen} title={t("chat.missing")} text={t("chat.missingText")} />;
  return <Talk key={app.id} app={app} all={data} />;
}

function Talk({ app, all }: { app: App; all: readonly App[] }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const thread = threadOf(app.id);
  const { exchanges, isBusy } = useThread(thread);
  const [citation, setCitation] = useState<Citation | null>(null);
  const [making, setMaking] = useState(false);
  const { box, list, isAway, toEnd } = useStickToEnd();
  const again = useMemo(
    (): Action => ({
      id: "chat-new",
      label: t("chat.new"),
      group: t("nav.chat"),
      icon: SquarePen,
      shortcut: "mod+shift+o",
      run: thread.clear,
    }),
    [t, thread],
  );
  useActions(useMemo(() => [again], [again]));
  const ask = useCallback(
    (question: string) => {
      void thread.ask(question);
      toEnd();
    },
    [thread, toEnd],
  );
  const onAgain = isBusy ? undefined : thread.again;

  return (
    <div className="flex h-full flex-col">
      <h1 className="sr-only">{app.name}</h1>
      <div className="flex items-center gap-2 border-b border-line bg-surface px-3 py-2 sm:px-6">
        <Select
          label={t("chat.app")}
          value={app.id}
          choices={[
            ...all.map((one) => ({ value: one.id, label: one.name, hint: one.description })),
            { value: "", label: t("apps.new"), hint: t("apps.newText") },
          ]}
          onChange={(value) => (value ? void go({ to: "/chat/$app", params: { app: value } }) : setMaking(true))}
          className="max-w-64"
        />
        <div className="grow" />
        <Button kind="quiet" size="small" icon={again.icon} onClick={again.run} disabled={exchanges.length === 0}>
          <span className="hidden sm:inline">{again.label}</span>
          <span className="sr-only sm:hidden">{again.label}</span>
        </Button>
      </div>
      <div ref={box} className="scroll-quiet min-h-0 grow overflow-y-auto">
        <div ref={list} className="mx-auto flex max-w-3xl flex-col gap-7 px-4 py-6">
          {exchanges.length === 0 && <Opening app={app} onAsk={ask} />}
          {exchanges.map((exchange, index) => (
            <article key={exchange.id} className="flex flex-col gap-4">
              <h2 className="max-w-[88%] self-end rounded-xl bg-accent-soft px-4 py-2.5 text-md whitespace-pre-wrap">
                {exchange.question}
              </h2>
              <Answer
                exchange={exchange}
                onCitation={setCitation}
                {...(index === exchanges.length - 1 && onAgain ? { onAgain } : {})}
              />
            </article>
          ))}
        </div>
      </div>
      <div className="relative mx-auto w-full max-w-3xl px-3 pb-3 sm:px-4 sm:pb-5">
        {isAway && (
          <IconButton
            icon={ArrowDown}
            label={t("chat.toEnd")}
            onClick={toEnd}
            className="absolute -top-12 left-1/2 -translate-x-1/2 rounded-full border border-line bg-raised shadow-high"
          />
        )}
        <Composer busy={isBusy} onSend={ask} onStop={thread.stop} />
      </div>
      <p className="sr-only" role="log" aria-live="polite">
        {exchanges.at(-1)?.state === "done" ? exchanges.at(-1)?.answer : ""}
      </p>
      <CitationPanel citation={citation} onClose={() => setCitation(null)} />
      <NewApp open={making} onClose={() => setMaking(false)} then="/chat/$app" />
    </div>
  );
}

function Opening({ app, onAsk }: { app: App; onAsk: (question: string) => void }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-5 pt-[8vh]">
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

/** Follows the end of the list as it grows, unless the reader has scrolled up. */
function useStickToEnd() {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [isAway, setAway] = useState(false);
  const toEnd = useCallback(() => {
    follows.current = true;
    box.current?.scrollTo({ top: box.current.scrollHeight });
  }, []);
  useEffect(() => {
    const found = box.current;
    const grows = list.current;
    if (!found || !grows) return;
    const look = () => {
      follows.current = found.scrollHeight - found.scrollTop - found.clientHeight < NEAR_PX;
      setAway(!follows.current);
    };
    const sizes = new ResizeObserver(() => follows.current && toEnd());
    sizes.observe(grows);
    found.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      found.removeEventListener("scroll", look);
    };
  }, [toEnd]);
  return { box, list, isAway, toEnd };
}
