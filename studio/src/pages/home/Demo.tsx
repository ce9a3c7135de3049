import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRight, FileText, MessageCircleQuestion, Quote } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Message } from "@/api/client";
import { apps, newestConversationOf } from "@/api/queries";
import { beginThread } from "@/pages/chat/threads";
import { pieces, plain } from "@/pages/home/excerpt";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { CITATION_MARK } from "@/ui/classes";

const DEMO = "demo";
const SOURCES = 3;

const isKorean = (text: string) => /[가-힣]/.test(text);

/** The demo: a question that is answered already, with what it rests on, and more to ask with one press. */
export function Demo() {
  const { t, i18n } = useTranslation();
  const go = useNavigate();
  const { data } = useQuery(apps);
  const demo = data?.find(({ name }) => name === DEMO);
  const newest = useQuery({ ...newestConversationOf(demo?.id ?? ""), enabled: demo !== undefined });
  if (!demo) return null;
  const answered = newest.data?.messages.findLast(({ answer, status }) => status === "normal" && answer !== "");
  const wanted = i18n.language === "ko";
  const questions = demo.config.suggested_questions
    .filter((question) => question !== answered?.question)
    .sort((a, b) => Number(isKorean(b) === wanted) - Number(isKorean(a) === wanted));
  return (
    <div data-tour="demo">
      <Panel title={t("home.demo")} hint={t("home.demoText")} flush>
        {newest.isPending && <SkeletonRows label={t("common.loading")} />}
        {newest.data && answered && <Answered app={demo.id} conversation={newest.data.id} message={answered} />}
        <ul>
          {(newest.isPending ? [] : questions.slice(0, 3)).map((question) => (
            <li key={question} className="border-b border-line last:border-b-0">
              <button
                type="button"
                onClick={() => {
                  void beginThread(demo.id).ask(question);
                  void go({ to: "/chat/$app", params: { app: demo.id } });
                }}
                className="group flex w-full items-center gap-3 px-4 py-3 text-left hover:bg-canvas"
              >
                <Quote size={15} className="shrink-0 text-accent-ink" aria-hidden />
                <span className="grow" lang={isKorean(question) ? "ko" : "en"}>
                  {question}
                </span>
                <ArrowRight size={15} className="shrink-0 text-faint group-hover:text-accent-ink" aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}

interface AnsweredProps {
  app: string;
  conversation: string;
  message: Message;
}

/** The newest question to the demo with the beginning of its answer, and its sources. */
function Answered({ app, conversation, message }: AnsweredProps) {
  const { t } = useTranslation();
  const language = isKorean(message.question) ? "ko" : "en";
  return (
    <article className="border-b border-line px-4 py-4" aria-label={t("home.answered")}>
      <p className="flex items-start gap-2.5 font-medium" lang={language}>
        <MessageCircleQuestion size={17} className="mt-0.5 shrink-0 text-accent-ink" aria-hidden />
        {message.question}
      </p>
      <div className="mt-2 pl-7" lang={language}>
        <p className="line-clamp-6 break-words whitespace-pre-line">
          {pieces(plain(message.answer)).map((piece, index) =>
            typeof piece === "string" ? (
              piece
            ) : (
              <Mark key={index} position={piece} found={message.citations.find((one) => one.position === piece)} />
            ),
          )}
        </p>
      </div>
      {message.citations.length > 0 && (
        <ul aria-label={t("chat.sources")} className="mt-3 flex flex-wrap gap-1.5 pl-7">
          {message.citations.slice(0, SOURCES).map((one) => (
            <li key={one.position} className="max-w-full min-w-0">
              <Link
                to="/knowledge/$base/documents/$document"
                params={{ base: one.knowledge_id, document: one.document_id }}
                search={{ passage: one.chunk_id }}
                className="inline-flex max-w-full items-center gap-1.5 rounded-md border border-line px-2 py-1 text-sm hover:border-control"
              >
                <FileText size={14} className="shrink-0 text-accent-ink" aria-hidden />
                <span className="truncate">{one.document}</span>
                {one.page !== null && <span className="shrink-0 text-muted">{t("chat.page", { page: one.page })}</span>}
              </Link>
            </li>
          ))}
        </ul>
      )}
      <Link
        to="/chat/$app/$conversation"
        params={{ app, conversation }}
        className="mt-3 ml-7 inline-flex items-center gap-1.5 font-medium text-accent-ink hover:underline"
      >
        {t("home.goOn")}
        <ArrowRight size={15} aria-hidden />
      </Link>
    </article>
  );
}

/** The number of a source in the running text; one that is no source stays as it was written. */
function Mark({ position, found }: { position: number; found: Message["citations"][number] | undefined }) {
  const { t } = useTranslation();
  if (!found) return `[${position}]`;
  return (
    <Link
      to="/knowledge/$base/documents/$document"
      params={{ base: found.knowledge_id, document: found.document_id }}
      search={{ passage: found.chunk_id }}
      aria-label={t("chat.source", { position, document: found.document })}
      title={found.document}
      className={CITATION_MARK}
    >
      {position}
    </Link>
  );
}
