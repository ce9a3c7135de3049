import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { Languages, MessagesSquare, Monitor, Moon, SquarePen, Sun, Trash2, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type ListedConversation, api } from "@/api/client";
import { conversationsOf } from "@/api/queries";
import { LANGUAGES, THEMES, setPreferences, usePreferences } from "@/frame/preferences";
import { useFormat } from "@/i18n/format";
import type { PublicApp } from "@/page/api";
import { type Place, tellAround } from "@/page/place";
import { AppIcon } from "@/pages/apps/AppIcon";
import { Button, IconButton } from "@/ui/Button";
import { Confirm, SidePanel } from "@/ui/Dialog";
import { Menu } from "@/ui/Menu";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

interface PublicHeadProps {
  app: PublicApp;
  place: Place;
  open: string | null;
  onOpen: (conversation: string | null) => void;
}

export function PublicHead({ app, place, open, onOpen }: PublicHeadProps) {
  const { t } = useTranslation();
  const { theme, language } = usePreferences();
  const [listing, setListing] = useState(false);
  return (
    <header className="flex h-13 shrink-0 items-center gap-1 border-b border-line bg-surface px-2 sm:px-4">
      <div className="flex min-w-0 grow items-center gap-2.5 pl-1">
        <AppIcon icon={app.icon} background={app.icon_background} size="small" />
        <h1 className="truncate text-md font-semibold">{app.title}</h1>
      </div>
      <IconButton icon={MessagesSquare} label={t("page.history")} onClick={() => setListing(true)} />
      <IconButton icon={SquarePen} label={t("chat.new")} onClick={() => onOpen(null)} />
      <Menu
        trigger={<IconButton icon={Languages} label={t("language.choose")} />}
        groups={[
          {
            title: t("language.choose"),
            items: LANGUAGES.map((one) => ({
              id: one,
              label: t(`language.${one}`),
              checked: one === language,
              run: () => setPreferences({ language: one }),
            })),
          },
          {
            title: t("theme.choose"),
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
      {place.around && <IconButton icon={X} label={t("common.close")} onClick={() => tellAround(place, "close")} />}
      <SidePanel
        open={listing}
        onClose={() => setListing(false)}
        title={t("page.history")}
        hint={t("page.historyText")}
        closeLabel={t("common.close")}
      >
        <Earlier
          code={place.code}
          open={open}
          onOpen={(conversation) => {
            setListing(false);
            onOpen(conversation);
          }}
          onLost={(lost) => lost === open && onOpen(null)}
        />
      </SidePanel>
    </header>
  );
}

interface EarlierProps {
  code: string;
  open: string | null;
  onOpen: (conversation: string) => void;
  onLost: (conversation: string) => void;
}

/** What this browser asked before. */
function Earlier({ code, open, onOpen, onLost }: EarlierProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const { data, hasNextPage, fetchNextPage, isFetchingNextPage } = useInfiniteQuery(conversationsOf(code, ""));
  const [losing, setLosing] = useState<ListedConversation | null>(null);
  const all = data?.pages.flatMap(({ conversations }) => conversations) ?? [];
  const lose = async (one: ListedConversation) => {
    setLosing(null);
    try {
      await api.DELETE("/apps/{app}/conversations/{conversation_id}", {
        params: { path: { app: code, conversation_id: one.id } },
      });
      onLost(one.id);
    } catch (error) {
      toast(error instanceof Error ? error.message : t("errors.unknown"), { bad: true });
    }
    await client.invalidateQueries({ queryKey: ["conversations", code] });
  };
  if (data && all.length === 0) return <p className="py-8 text-center text-muted">{t("page.historyNone")}</p>;
  return (
    <>
      <ul className="-mx-2 flex flex-col gap-0.5">
        {all.map((one) => (
          <li key={one.id} className={cx("flex items-center gap-1 rounded-md pr-1 hover:bg-hover", one.id === open && "bg-accent-soft")}>
            <button
              type="button"
              aria-current={one.id === open || undefined}
              onClick={() => onOpen(one.id)}
              className="min-w-0 grow rounded-md px-3 py-2 text-left"
            >
              <span className="block truncate font-medium">{one.name}</span>
              <span className="block text-sm text-muted">{format.ago(one.updated_at)}</span>
            </button>
            <IconButton icon={Trash2} size="small" label={t("page.delete", { name: one.name })} onClick={() => setLosing(one)} />
          </li>
        ))}
      </ul>
      {hasNextPage && (
        <Button size="small" className="mt-3" busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          {t("page.more")}
        </Button>
      )}
      <Confirm
        open={losing !== null}
        onClose={() => setLosing(null)}
        onConfirm={() => losing && void lose(losing)}
        title={t("page.delete", { name: losing?.name ?? "" })}
        text={t("page.deleteText")}
        confirmLabel={t("common.delete")}
        cancelLabel={t("common.cancel")}
      />
    </>
  );
}
