import { useEffect, useState } from "react";

import type { Citation } from "@/api/ask";
import { PublicHead } from "@/page/PublicHead";
import { PublicStart } from "@/page/PublicStart";
import { Passage } from "@/page/Passage";
import type { PublicApp } from "@/page/api";
import { lastOpen, rememberOpen } from "@/page/visitor";
import { type Place, onShown } from "@/page/place";
import { Conversation } from "@/pages/chat/Conversation";
import { settle, threadOf, useThread } from "@/pages/chat/threads";
import { preloadMarkdown } from "@/ui/Markdown";

preloadMarkdown();

/** The conversation that was open in this browser last, or a new one. */
export function PublicChat({ app, place }: { app: PublicApp; place: Place }) {
  const { code } = place;
  const [open, setOpen] = useState(() => lastOpen(code));
  const [citation, setCitation] = useState<Citation | null>(null);
  const thread = threadOf(code, open);
  const shown = useThread(thread);
  const become = (conversation: string | null) => {
    if (conversation === null) settle(code);
    setOpen(conversation);
    rememberOpen(code, conversation);
  };
  useEffect(() => {
    if (open !== null) settle(code);
    else if (shown.conversation !== null) {
      setOpen(shown.conversation);
      rememberOpen(code, shown.conversation);
    }
  }, [code, open, shown.conversation]);
  const isGone = open !== null && shown.error?.code === "conversation_not_exists" && shown.exchanges.length === 0;
  useEffect(() => {
    if (!isGone) return;
    setOpen(null);
    rememberOpen(code, null);
  }, [code, isGone]);
  useEffect(() => onShown(place, () => document.querySelector("textarea")?.focus()), [place]);
  return (
    <>
      <PublicHead app={app} place={place} open={open} onOpen={become} />
      <main className="flex min-h-0 grow flex-col">
        <Conversation
          key={thread.key}
          app={code}
          thread={thread}
          opening={
            <PublicStart
              title={app.title}
              welcome={app.welcome}
              description={app.description}
              icon={app.icon}
              background={app.icon_background}
              suggested={app.suggested_questions}
              onAsk={(question) => void thread.ask(question)}
            />
          }
          maxLength={app.most_letters}
          takesFiles={false}
          showsMarks={app.citations}
          onCitation={setCitation}
        />
      </main>
      <Passage citation={citation} onClose={() => setCitation(null)} />
    </>
  );
}
