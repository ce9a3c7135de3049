import { FileDown } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { App } from "@/api/client";
import { Panel } from "@/ui/Panel";

/** What an app whose design came from a file says of it, in place of a chat app's settings. */
export function KeptDesign({ app }: { app: App }) {
  const { t } = useTranslation();
  return (
    <Panel title={t("apps.design")}>
      <div className="flex flex-wrap items-center gap-3">
        <p className="min-w-0 grow basis-60 text-muted">{t("apps.designText")}</p>
        <a
          href={`/api/v1/apps/${encodeURIComponent(app.id)}/export`}
          download={`${app.name}.yml`}
          className="inline-flex h-9 shrink-0 items-center gap-1.5 rounded-md border border-control/60 bg-surface px-3.5 font-medium hover:bg-hover"
        >
          <FileDown size={15} aria-hidden />
          {t("apps.export")}
        </a>
      </div>
    </Panel>
  );
}
