/** The actions that are there on every page: rooms, apps and knowledge bases by name, language, theme, signing out. */

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { BookOpen, Command, Compass, KeyRound, Languages, LogOut, MessagesSquare, Palette, SunMoon } from "lucide-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import { type Role, api } from "@/api/client";
import { bases, chatApps, preferences, session } from "@/api/queries";
import { LANGUAGES, THEMES, setPreferences } from "@/frame/preferences";
import { reaches } from "@/frame/role";
import { ROOMS } from "@/frame/rooms";
import { tour } from "@/frame/tour";
import { forgetThreads } from "@/pages/chat/threads";

export function useGlobalActions(openPalette: () => void): void {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const { data: allApps } = useQuery(chatApps);
  const { data: allBases } = useQuery(bases);
  const { data: account } = useQuery(session);
  const actions = useMemo((): Action[] => {
    const to = t("palette.go");
    const may = (needs: Role) => account !== undefined && reaches(account.role, needs);
    return [
      { id: "palette", label: t("palette.title"), group: to, icon: Command, shortcut: "mod+k", run: openPalette },
      ...ROOMS.filter((room) => !("needs" in room) || may(room.needs)).map((room) => ({
        id: `go-${room.to}`,
        label: t(room.label),
        group: to,
        icon: room.icon,
        shortcut: room.shortcut,
        run: () => void go({ to: room.to }),
      })),
      ...(allApps ?? []).map((app) => ({
        id: `app-${app.id}`,
        label: app.name,
        group: t("nav.chat"),
        icon: MessagesSquare,
        words: app.description,
        run: () => void go({ to: "/chat/$app", params: { app: app.id } }),
      })),
      ...(allBases ?? []).map(({ base }) => ({
        id: `base-${base.id}`,
        label: base.name,
        group: t("nav.knowledge"),
        icon: BookOpen,
        words: base.description,
        run: () => void go({ to: "/knowledge/$base", params: { base: base.id } }),
      })),
      ...THEMES.map((theme) => ({
        id: `theme-${theme}`,
        label: t("palette.theme", { theme: t(`theme.${theme}`) }),
        group: t("palette.look"),
        icon: SunMoon,
        run: () => setPreferences({ theme }),
      })),
      ...LANGUAGES.map((language) => ({
        id: `language-${language}`,
        label: t("palette.language", { language: t(`language.${language}`) }),
        group: t("palette.look"),
        icon: Languages,
        words: "language 언어", // each by its own name, so that it is the first that is found
        run: () => setPreferences({ language }),
      })),
      {
        id: "gallery",
        label: t("gallery.title"),
        group: t("palette.look"),
        icon: Palette,
        run: () => void go({ to: "/gallery" }),
      },
      {
        id: "tour",
        label: t("tour.take"),
        group: t("palette.you"),
        icon: Compass,
        run: () => void Promise.all([client.ensureQueryData(preferences), go({ to: "/" })]).then(([kept]) => tour.goOn(kept), () => tour.begin()),
      },
      {
        id: "password",
        label: t("session.change"),
        group: t("palette.you"),
        icon: KeyRound,
        run: () => void go({ to: "/password" }),
      },
      {
        id: "sign-out",
        label: t("session.signOut"),
        group: t("palette.you"),
        icon: LogOut,
        run: () =>
          void api.DELETE("/session").finally(() => {
            forgetThreads();
            tour.forget();
            client.clear();
            void go({ to: "/sign-in" });
          }),
      },
    ];
  }, [t, go, client, allApps, allBases, account, openPalette]);
  useActions(actions);
}
