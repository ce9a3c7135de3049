import { useTranslation } from "react-i18next";

import { AppIcon } from "@/pages/apps/AppIcon";
import { Markdown } from "@/ui/Markdown";

interface PublicStartProps {
  title: string;
  welcome: string;
  description: string;
  icon: string;
  background: string;
  suggested: readonly string[];
  onAsk?: (question: string) => void;
}

/** How the page greets; Publish shows the same before anybody sees it. */
export function PublicStart({ title, welcome, description, icon, background, suggested, onAsk }: PublicStartProps) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-5 pt-[4vh]">
      <div className="flex flex-col gap-3">
        <AppIcon icon={icon} background={background} size="large" />
        <div>
          <h2 className="text-xl font-semibold tracking-tight break-words">{title}</h2>
          <div className="mt-1 text-muted">
            <Markdown
              text={welcome || description || t("chat.opening")}
              copyLabel={t("common.copy")}
              copiedLabel={t("common.copied")}
            />
          </div>
        </div>
      </div>
      {suggested.length > 0 && (
        <ul aria-label={t("chat.suggested")} className="grid gap-2 sm:grid-cols-2">
          {suggested.map((question) => (
            <li key={question}>
              <button
                type="button"
                onClick={() => onAsk?.(question)}
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
