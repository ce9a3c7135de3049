import { ChevronLeft, ChevronRight, Pencil } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { composing, sends } from "@/actions/keys";
import { FileTiles } from "@/pages/chat/FileTiles";
import type { Placed } from "@/pages/chat/exchange";
import { Button, IconButton } from "@/ui/Button";
import { Copy } from "@/ui/Copy";

interface QuestionProps {
  app: string;
  exchange: Placed;
  /** Undefined while it cannot be asked otherwise. */
  onEdit: ((question: string) => void) | undefined;
  onChoose: (key: string) => void;
}

/** What was asked; can be asked otherwise, which makes a branch. */
export function Question({ app, exchange, onEdit, onChoose }: QuestionProps) {
  const { t } = useTranslation();
  const [editing, setEditing] = useState(false);
  return (
    <div className="group flex max-w-full flex-col items-end gap-1">
      {exchange.files.length > 0 && <FileTiles app={app} files={exchange.files} />}
      {editing && onEdit ? (
        <Editing
          question={exchange.question}
          onCancel={() => setEditing(false)}
          onSend={(question) => {
            setEditing(false);
            onEdit(question);
          }}
        />
      ) : (
        <h2 className="max-w-[88%] rounded-xl bg-accent-soft px-4 py-2.5 text-md break-words whitespace-pre-wrap">
          {exchange.question}
        </h2>
      )}
      {!editing && (
        <div className="flex h-7 items-center gap-0.5 text-sm text-muted">
          <span className="flex items-center opacity-0 transition-opacity duration-(--quick) group-focus-within:opacity-100 group-hover:opacity-100 pointer-coarse:opacity-100">
            <Copy text={exchange.question} label={t("chat.copyQuestion")} doneLabel={t("common.copied")} />
            {onEdit && <IconButton icon={Pencil} size="small" label={t("chat.edit")} onClick={() => setEditing(true)} />}
          </span>
          <Branches exchange={exchange} onChoose={onChoose} />
        </div>
      )}
    </div>
  );
}

function Branches({ exchange: { key, branches }, onChoose }: { exchange: Placed; onChoose: (key: string) => void }) {
  const { t } = useTranslation();
  if (branches.length < 2) return null;
  const at = branches.indexOf(key);
  const [before, after] = [branches[at - 1], branches[at + 1]];
  return (
    <span role="group" aria-label={t("chat.branch.title")} className="flex items-center tabular-nums">
      <IconButton
        icon={ChevronLeft}
        size="small"
        label={t("chat.branch.before")}
        disabled={before === undefined}
        onClick={() => before !== undefined && onChoose(before)}
      />
      {at + 1} / {branches.length}
      <IconButton
        icon={ChevronRight}
        size="small"
        label={t("chat.branch.after")}
        disabled={after === undefined}
        onClick={() => after !== undefined && onChoose(after)}
      />
    </span>
  );
}

function Editing({ question, onSend, onCancel }: { question: string; onSend: (question: string) => void; onCancel: () => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(question);
  const wanted = typed.trim();
  return (
    <form
      className="w-full rounded-xl border border-control bg-surface p-2 focus-within:border-accent"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted) onSend(wanted);
      }}
    >
      <textarea
        autoFocus
        value={typed}
        maxLength={20_000}
        aria-label={t("chat.question")}
        onFocus={(event) => event.target.setSelectionRange(typed.length, typed.length)}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Escape" && !composing(event)) onCancel();
          if (!sends(event)) return;
          event.preventDefault();
          if (wanted) onSend(wanted);
        }}
        className="scroll-quiet block field-sizing-content max-h-80 min-h-9 w-full resize-none bg-transparent px-2 py-1.5 text-md outline-none"
      />
      <div className="flex flex-wrap items-center justify-end gap-2 pt-1 pl-2">
        <p className="grow text-xs text-faint">{t("chat.editText")}</p>
        <Button kind="quiet" size="small" onClick={onCancel}>
          {t("common.cancel")}
        </Button>
        <Button kind="primary" size="small" type="submit" disabled={!wanted}>
          {t("chat.send")}
        </Button>
      </div>
    </form>
  );
}
