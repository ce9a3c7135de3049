import { useQueryClient } from "@tanstack/react-query";
import { Braces, Ellipsis, FileDown, LoaderCircle, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { composing } from "@/actions/keys";
import { type ListedConversation, api } from "@/api/client";
import { asApiError } from "@/api/errors";
import { Lit } from "@/pages/chat/Lit";
import { download } from "@/pages/chat/export";
import { threadOf } from "@/pages/chat/threads";
import { IconButton } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Menu } from "@/ui/Menu";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

interface HistoryRowProps {
  app: string;
  one: ListedConversation;
  isOpen: boolean;
  /** What was searched for: the excerpt shows where it was said. */
  search: string;
  onOpen: () => void;
  onDelete: () => void;
}

export function HistoryRow({ app, one, isOpen, search, onOpen, onDelete }: HistoryRowProps) {
  const { t } = useTranslation();
  const [naming, setNaming] = useState(false);
  if (naming) return <Naming app={app} one={one} onDone={() => setNaming(false)} />;
  return (
    <li className={cx("group relative flex items-center rounded-md", isOpen ? "bg-accent-soft" : "hover:bg-hover")}>
      <button
        type="button"
        onClick={onOpen}
        aria-current={isOpen ? "page" : undefined}
        title={one.name}
        className={cx("min-w-0 grow rounded-md py-1.5 pr-1 pl-2 text-left text-sm", isOpen && "font-medium text-accent-ink")}
      >
        <span className="flex items-center gap-1.5">
          {one.running && <LoaderCircle size={12} className="shrink-0 animate-spin text-accent-ink" aria-label={t("chat.history.running")} />}
          <span className="truncate">{one.name}</span>
        </span>
        {search && one.excerpt && (
          <span className="line-clamp-2 text-xs text-muted">
            <Lit text={one.excerpt} words={search} />
          </span>
        )}
      </button>
      <Menu
        trigger={
          <IconButton
            icon={Ellipsis}
            size="small"
            label={t("chat.history.actions", { name: one.name })}
            className="mr-0.5 opacity-0 group-focus-within:opacity-100 group-hover:opacity-100 data-popup-open:opacity-100 pointer-coarse:opacity-100"
          />
        }
        groups={[
          { items: [{ id: "rename", label: t("chat.history.rename"), icon: Pencil, run: () => setNaming(true) }] },
          {
            title: t("chat.history.export"),
            items: [
              { id: "markdown", label: "Markdown", icon: FileDown, run: () => void download(app, one.id, "markdown").catch(failed) },
              { id: "json", label: "JSON", icon: Braces, run: () => void download(app, one.id, "json").catch(failed) },
            ],
          },
          { items: [{ id: "delete", label: t("common.delete"), icon: Trash2, danger: true, run: onDelete }] },
        ]}
      />
    </li>
  );

  function failed(error: unknown) {
    toast(t("chat.history.notExported"), { text: asApiError(error).message, bad: true });
  }
}

/** The name, being changed where it stands. Enter keeps, Escape does not. */
function Naming({ app, one, onDone }: { app: string; one: ListedConversation; onDone: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(one.name);
  const save = async () => {
    onDone();
    const wanted = name.trim();
    if (!wanted || wanted === one.name) return;
    try {
      await api.PATCH("/apps/{app}/conversations/{conversation_id}", {
        params: { path: { app, conversation_id: one.id } },
        body: { name: wanted },
      });
      threadOf(app, one.id).rename(wanted);
    } catch (error) {
      toast(t("chat.history.notRenamed"), { text: asApiError(error).message, bad: true });
    }
    await client.invalidateQueries({ queryKey: ["conversations", app] });
  };
  return (
    <li className="py-0.5">
      <Input
        autoFocus
        value={name}
        maxLength={200}
        aria-label={t("common.name")}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setName(event.target.value)}
        onBlur={() => void save()}
        onKeyDown={(event) => {
          if (composing(event)) return;
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") onDone();
        }}
        className="h-8 text-sm"
      />
    </li>
  );
}
