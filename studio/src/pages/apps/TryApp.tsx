import { SquarePen } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Citation } from "@/api/ask";
import type { App } from "@/api/client";
import { CitationPanel } from "@/pages/chat/CitationPanel";
import { Conversation } from "@/pages/chat/Conversation";
import { beginThread, threadOf } from "@/pages/chat/threads";
import { IconButton } from "@/ui/Button";

/** The app as it was last saved, to talk to while its form is filled in. */
export function TryApp({ app }: { app: App }) {
  const { t } = useTranslation();
  const [thread, setThread] = useState(() => threadOf(app.id));
  const [citation, setCitation] = useState<Citation | null>(null);
  return (
    <>
      <header className="flex items-center gap-2 border-b border-line bg-surface py-2 pr-2 pl-4">
        <div className="min-w-0 grow">
          <h2 className="font-semibold">{t("apps.open")}</h2>
          <p className="text-sm text-muted">{t("apps.tryText")}</p>
        </div>
        <IconButton icon={SquarePen} label={t("chat.new")} onClick={() => setThread(beginThread(app.id))} />
      </header>
      <Conversation
        key={thread.key}
        app={app.id}
        thread={thread}
        takesFocus={false}
        opening={<p className="text-muted">{app.config.opening_statement || app.description || t("chat.opening")}</p>}
        onCitation={setCitation}
      />
      <CitationPanel citation={citation} onClose={() => setCitation(null)} />
    </>
  );
}
