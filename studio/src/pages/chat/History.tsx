import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { MessagesSquare, PanelLeftClose, Search, SquarePen, X } from "lucide-react";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";

import type { App, ListedConversation } from "@/api/client";
import { conversationsOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { HistoryRow } from "@/pages/chat/HistoryRow";
import { type Day, byDay } from "@/pages/chat/days";
import { deleteLater, keep, useLeaving } from "@/pages/chat/deleting";
import { Button, IconButton } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

interface HistoryProps {
  app: App;
  open: string | null;
  onNew: () => void;
  /** A conversation was chosen. */
  onChosen: () => void;
  onCollapse?: () => void;
}

/** Your conversations with the app: find, open, rename, delete, keep as a file. */
export function History({ app, open, onNew, onChosen, onCollapse }: HistoryProps) {
  const { t } = useTranslation();
  const go = useNavigate();
  const [typed, setTyped] = useState("");
  const search = useDeferredValue(typed.trim());
  const { data, error, refetch, hasNextPage, isFetchingNextPage, fetchNextPage } = useInfiniteQuery(conversationsOf(app.id, search));
  const leaving = useLeaving();
  const all = data?.pages.flatMap((page) => page.conversations).filter(({ id }) => !leaving.has(id));

  const remove = (one: ListedConversation) => {
    deleteLater(app.id, one.id, (failure) => toast(t("chat.history.notDeleted"), { text: failure.message, bad: true }));
    if (one.id === open) onNew();
    toast(t("chat.history.deleted", { name: one.name }), { undo: { label: t("chat.history.undo"), run: () => keep(one.id) } });
  };

  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex items-center gap-1 p-2 pb-0">
        <Button kind="quiet" icon={SquarePen} onClick={onNew} className="grow justify-start text-ink">
          {t("chat.new")}
        </Button>
        {onCollapse && <IconButton icon={PanelLeftClose} label={t("chat.history.hide")} onClick={onCollapse} />}
      </div>
      <div className="relative p-2">
        <Search size={14} className="pointer-events-none absolute top-1/2 left-4.5 -translate-y-1/2 text-faint" aria-hidden />
        <Input
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={(event) => event.key === "Escape" && setTyped("")}
          aria-label={t("chat.history.search")}
          placeholder={t("chat.history.search")}
          className="h-8 pr-8 pl-8 text-sm"
        />
        {typed && (
          <IconButton
            icon={X}
            size="small"
            label={t("chat.history.clear")}
            onClick={() => setTyped("")}
            className="absolute top-1/2 right-2.5 -translate-y-1/2"
          />
        )}
      </div>
      <nav aria-label={t("chat.history.title")} className="scroll-quiet min-h-0 grow overflow-y-auto px-2 pb-3">
        {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
        {!all && !error && <SkeletonRows rows={4} label={t("common.loading")} />}
        {all?.length === 0 && <Nothing search={search} />}
        {byDay(all ?? [], Date.now()).map(({ day, items }) => (
          <section key={JSON.stringify(day)}>
            <h3 className="px-2 pt-3 pb-1 text-xs font-medium text-faint">
              <DayName day={day} />
            </h3>
            <ul>
              {items.map((one) => (
                <HistoryRow
                  key={one.id}
                  app={app.id}
                  one={one}
                  isOpen={one.id === open}
                  search={search}
                  onOpen={() => {
                    void go({ to: "/chat/$app/$conversation", params: { app: app.id, conversation: one.id } });
                    onChosen();
                  }}
                  onDelete={() => remove(one)}
                />
              ))}
            </ul>
          </section>
        ))}
        {hasNextPage && (
          <Button kind="quiet" size="small" busy={isFetchingNextPage} onClick={() => void fetchNextPage()} className="mt-2 w-full">
            {t("chat.history.more")}
          </Button>
        )}
      </nav>
    </div>
  );
}

function Nothing({ search }: { search: string }) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center text-sm text-muted">
      <MessagesSquare size={18} className="text-faint" aria-hidden />
      <p>{search ? t("chat.history.notFound", { search }) : t("chat.history.none")}</p>
    </div>
  );
}

function DayName({ day }: { day: Day }) {
  const { t, i18n } = useTranslation();
  if (day.kind !== "month") return t(`chat.history.${day.kind}`);
  return new Intl.DateTimeFormat(i18n.language, { year: "numeric", month: "long" }).format(new Date(day.year, day.month));
}
