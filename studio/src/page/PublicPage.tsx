import { useQuery } from "@tanstack/react-query";
import { Unplug } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";

import { asApiError } from "@/api/errors";
import { Connection } from "@/frame/Connection";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { usePreferences } from "@/frame/preferences";
import { PublicChat } from "@/page/PublicChat";
import { publicApp } from "@/page/api";
import { type Place, tellAround } from "@/page/place";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { Toasts } from "@/ui/Toasts";

export function PublicPage({ place }: { place: Place }) {
  const { t } = useTranslation();
  const { language } = usePreferences();
  const { data: app, error, refetch } = useQuery(publicApp(place.code));
  useEffect(() => tellAround(place, "ready"), [place]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key === "Escape" && !event.isComposing && !event.defaultPrevented) tellAround(place, "close");
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [place]);
  useEffect(() => {
    document.title = app?.title ?? t("page.title");
  }, [app, t, language]);
  return (
    <div className="flex h-dvh flex-col">
      <Connection />
      {error && asApiError(error).code === "page_not_found" && (
        <main className="my-auto">
          <h1 className="sr-only">{t("page.title")}</h1>
          <EmptyState icon={Unplug} title={t("page.gone")} text={t("page.goneText")} />
        </main>
      )}
      {error && asApiError(error).code !== "page_not_found" && (
        <main className="mx-auto w-full max-w-2xl p-6">
          <h1 className="sr-only">{t("page.title")}</h1>
          <ErrorPanel error={error} onRetry={() => void refetch()} />
        </main>
      )}
      {!app && !error && <SkeletonRows label={t("common.loading")} />}
      {app && <PublicChat app={app} place={place} />}
      <Toasts label={t("frame.messages")} closeLabel={t("common.close")} />
    </div>
  );
}
