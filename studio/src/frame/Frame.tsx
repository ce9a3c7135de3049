import { Dialog } from "@base-ui/react/dialog";
import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { ChevronRight, CircleUser, Compass, KeyRound, Languages, LogOut, Menu as MenuIcon, Monitor, Moon, Search, Sun, X } from "lucide-react";
import { Suspense, lazy, useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { offered } from "@/actions/action";
import { useShortcuts } from "@/actions/keys";
import { session, waitingForms } from "@/api/queries";
import { Connection } from "@/frame/Connection";
import { Palette } from "@/frame/Palette";
import { UploadTray } from "@/frame/UploadTray";
import { useCurrentCrumbs } from "@/frame/crumbs";
import { useGlobalActions } from "@/frame/globals";
import { LANGUAGES, THEMES, setPreferences, usePreferences } from "@/frame/preferences";
import { useMay } from "@/frame/role";
import { ROOMS } from "@/frame/rooms";
import { useTourStep } from "@/frame/tour";
import { IconButton } from "@/ui/Button";
import { Kbd } from "@/ui/Kbd";
import { Logo } from "@/ui/Logo";
import { Menu } from "@/ui/Menu";
import { cx } from "@/ui/classes";

const Tour = lazy(() => import("@/frame/Tour").then((module) => ({ default: module.Tour })));
const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

/** What stands around every page of a person who is signed in. */
export function Frame() {
  const { t } = useTranslation();
  const [searching, setSearching] = useState(false);
  const [menu, setMenu] = useState(false);
  const openPalette = useCallback(() => setSearching(true), []);
  const main = useRef<HTMLElement>(null);
  const path = useRouterState({ select: (state) => state.location.pathname });
  const touring = useTourStep() !== null;
  useGlobalActions(openPalette);
  useShortcuts();
  useEffect(() => {
    setMenu(false);
    main.current?.scrollTo(0, 0);
  }, [path]);

  return (
    <div className="flex h-dvh flex-col">
      <a
        href="#main"
        className="absolute -top-20 left-2 z-50 rounded-md bg-accent px-3 py-2 text-on-accent focus:top-2"
      >
        {t("frame.skip")}
      </a>
      <Connection />
      <div className="flex min-h-0 grow">
        <aside className="hidden w-54 shrink-0 flex-col border-r border-line bg-canvas p-3 lg:flex">
          <Brand />
          <button
            type="button"
            onClick={openPalette}
            data-tour="search"
            className="mb-3 flex h-8 items-center gap-2 rounded-md border border-line bg-surface px-2.5 text-sm text-muted hover:border-control"
          >
            <Search size={14} aria-hidden />
            <span className="grow text-left">{t("palette.open")}</span>
            <Kbd keys="mod+k" />
          </button>
          <Rooms />
        </aside>
        <div className="flex min-w-0 grow flex-col bg-canvas">
          <TopBar onMenu={() => setMenu(true)} onSearch={openPalette} />
          <main ref={main} id="main" tabIndex={-1} className="scroll-quiet relative min-h-0 grow overflow-y-auto outline-none">
            <Outlet />
          </main>
        </div>
      </div>
      <UploadTray />
      {touring && (
        <Suspense fallback={null}>
          <Tour />
        </Suspense>
      )}
      <Palette open={searching} onClose={() => setSearching(false)} />
      <Dialog.Root open={menu} onOpenChange={setMenu}>
        <Dialog.Portal>
          <Dialog.Backdrop className="fixed inset-0 z-40 bg-scrim transition-opacity duration-(--calm) data-ending-style:opacity-0 data-starting-style:opacity-0" />
          <Dialog.Popup className="fixed inset-y-0 left-0 z-40 flex w-70 max-w-[85vw] flex-col border-r border-line bg-canvas p-3 shadow-high transition-transform duration-(--calm) ease-out outline-none data-ending-style:-translate-x-full data-starting-style:-translate-x-full">
            <Dialog.Title className="sr-only">{t("frame.menu")}</Dialog.Title>
            <div className="flex items-start justify-between">
              <Brand />
              <IconButton icon={X} label={t("common.close")} onClick={() => setMenu(false)} />
            </div>
            <Rooms />
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    </div>
  );
}

function Brand() {
  return (
    <Link to="/" className="mb-3 flex h-9 items-center gap-2.5 rounded-md px-2 text-md font-semibold tracking-tight">
      <Logo size={22} />
      LLMFlow
    </Link>
  );
}

function Rooms() {
  const { t } = useTranslation();
  const may = useMay();
  return (
    <nav aria-label={t("frame.rooms")} className="flex flex-col gap-0.5">
      {ROOMS.filter((room) => !("needs" in room) || may(room.needs)).map((room) => (
        <Link
          key={room.to}
          to={room.to}
          data-tour={room.label.replace("nav.", "")}
          activeOptions={{ exact: room.to === "/" }}
          className="flex h-9 items-center gap-2.5 rounded-md px-2.5 text-base font-medium"
          activeProps={{ className: "bg-accent-soft text-accent-ink" }}
          inactiveProps={{ className: "text-muted hover:bg-hover hover:text-ink" }}
        >
          <room.icon size={17} aria-hidden />
          {t(room.label)}
          {room.to === "/inbox" && <WaitingCount />}
        </Link>
      ))}
    </nav>
  );
}

/** How many forms wait for an answer; nothing where none does. */
function WaitingCount() {
  const { t } = useTranslation();
  const { data } = useQuery(waitingForms);
  if (!data?.count) return null;
  return (
    <span className="ml-auto min-w-5 rounded-full bg-accent px-1.5 text-center text-xs leading-5 font-semibold text-on-accent">
      <span aria-hidden>{data.count > 99 ? "99+" : data.count}</span>
      <span className="sr-only">{t("inbox.count", { count: data.count })}</span>
    </span>
  );
}

function TopBar({ onMenu, onSearch }: { onMenu: () => void; onSearch: () => void }) {
  const { t } = useTranslation();
  const crumbs = useCurrentCrumbs();
  const { data: account } = useQuery(session);
  const { theme } = usePreferences();
  return (
    <header className="flex h-12 shrink-0 items-center gap-1 border-b border-line bg-surface px-2 sm:px-4">
      <IconButton
        icon={MenuIcon}
        label={t("frame.menu")}
        onClick={onMenu}
        data-tour="chat knowledge settings"
        className="lg:hidden"
      />
      <nav aria-label={t("frame.where")} className="min-w-0 grow">
        <ol className="flex items-center gap-1 text-base">
          {crumbs.map((crumb, index) => {
            const last = index === crumbs.length - 1;
            return (
              <li key={index} className={cx("flex min-w-0 items-center gap-1", !last && "hidden shrink-0 sm:flex")}>
                {index > 0 && <ChevronRight size={14} className="hidden shrink-0 text-faint sm:block" aria-hidden />}
                {last || !crumb.to ? (
                  <span aria-current={last ? "page" : undefined} className="truncate px-1 font-medium">
                    {crumb.label}
                  </span>
                ) : (
                  <Link to={crumb.to} className="max-w-48 truncate rounded-sm px-1 text-muted hover:text-ink">
                    {crumb.label}
                  </Link>
                )}
              </li>
            );
          })}
        </ol>
      </nav>
      <IconButton icon={Search} label={t("palette.open")} onClick={onSearch} data-tour="search" className="lg:hidden" />
      <Menu
        trigger={<IconButton icon={Languages} label={t("language.choose")} />}
        groups={[{ items: LANGUAGES.map((one) => languageItem(one, t(`language.${one}`))) }]}
      />
      <Menu
        trigger={<IconButton icon={THEME_ICONS[theme]} label={t("theme.choose")} />}
        groups={[
          {
            items: THEMES.map((one) => ({
              id: one,
              label: t(`theme.${one}`),
              icon: THEME_ICONS[one],
              checked: one === theme,
              run: () => setPreferences({ theme: one }),
            })),
          },
        ]}
      />
      <Menu
        trigger={<IconButton icon={CircleUser} label={t("session.account")} />}
        groups={[
          {
            title: account ? `${account.name} · ${account.email}` : "",
            items: [
              { id: "tour", label: t("tour.take"), icon: Compass, run: () => run("tour") },
              { id: "password", label: t("session.change"), icon: KeyRound, run: () => run("password") },
            ],
          },
          { items: [{ id: "out", label: t("session.signOut"), icon: LogOut, run: () => run("sign-out") }] },
        ]}
      />
    </header>
  );
}

function languageItem(language: (typeof LANGUAGES)[number], label: string) {
  return {
    id: language,
    label,
    checked: document.documentElement.lang === language,
    run: () => setPreferences({ language }),
  };
}

const run = (id: string): void => offered().find((action) => action.id === id)?.run();
