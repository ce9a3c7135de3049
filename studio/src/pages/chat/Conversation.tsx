import { useQuery } from "@tanstack/react-query";
import { ArrowDown } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Citation } from "@/api/ask";
import { acceptedBy } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Answer } from "@/pages/chat/Answer";
import { Composer } from "@/pages/chat/Composer";
import { isUnderWay } from "@/pages/chat/exchange";
import { Question } from "@/pages/chat/Question";
import { useReadingPlace } from "@/pages/chat/readingPlace";
import { type Thread, useThread } from "@/pages/chat/threads";
import { IconButton } from "@/ui/Button";
import { SkeletonRows } from "@/ui/States";

interface ConversationProps {
  /** The app's id, or the code of its public page. */
  app: string;
  thread: Thread;
  /** Stands where nothing was said yet. */
  opening: ReactNode;
  onCitation: (citation: Citation) => void;
  takesFiles?: boolean;
  /** Whether the field has the focus from the start. */
  takesFocus?: boolean;
  /** Whether the numbers of sources stand in answers. */
  showsMarks?: boolean;
  /** Letters of a question. */
  maxLength?: number;
}

/** One conversation and the field to go on with it: in Studio's chat, beside an app's settings, on its public page. */
export function Conversation({ app, thread, opening, onCitation, takesFiles = true, takesFocus = true, showsMarks = true, maxLength }: ConversationProps) {
  const { t } = useTranslation();
  const { exchanges, isBusy, isLoading, error } = useThread(thread);
  const { data: accepted } = useQuery({ ...acceptedBy(app), enabled: takesFiles });
  const { box, list, isAway, toEnd } = useReadingPlace(exchanges.length > 0, isBusy);
  const last = exchanges.at(-1);
  if (error && exchanges.length === 0) {
    return (
      <div className="mx-auto w-full max-w-2xl p-6">
        <ErrorPanel error={error} onRetry={() => void thread.load()} />
      </div>
    );
  }
  return (
    <>
      <div ref={box} className="scroll-quiet min-h-0 grow overflow-y-auto">
        <div ref={list} className="mx-auto flex max-w-3xl flex-col gap-7 px-4 py-6">
          {isLoading && exchanges.length === 0 && <SkeletonRows label={t("common.loading")} />}
          {!isLoading && exchanges.length === 0 && opening}
          {exchanges.map((exchange) => (
            <article key={exchange.key} className="flex flex-col gap-2">
              <Question
                app={app}
                exchange={exchange}
                onEdit={isBusy || exchange.id === null ? undefined : (question) => thread.edit(exchange.key, question)}
                onChoose={thread.choose}
              />
              <Answer
                app={app}
                exchange={exchange}
                showsMarks={showsMarks}
                onCitation={onCitation}
                onAgain={isBusy ? undefined : () => thread.again(exchange.key)}
                onRate={(opinion) => thread.rate(exchange.key, opinion)}
                onAnswered={() => void thread.load()}
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
        <Composer
          app={app}
          accept={accepted?.suffixes.join(",")}
          takesFiles={takesFiles}
          takesFocus={takesFocus}
          {...(maxLength ? { maxLength } : {})}
          busy={isBusy}
          onSend={(question, files) => {
            void thread.ask(question, { files });
            toEnd();
          }}
          onStop={thread.stop}
        />
      </div>
      <p className="sr-only" role="log" aria-live="polite">
        {last && !isUnderWay(last) ? last.answer : ""}
      </p>
    </>
  );
}
