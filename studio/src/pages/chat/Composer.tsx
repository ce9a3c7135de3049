import { ArrowUp, Paperclip, Square } from "lucide-react";
import { type ClipboardEvent, type DragEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { sends } from "@/actions/keys";
import type { Attached } from "@/api/attach";
import { AttachmentChips } from "@/pages/chat/AttachmentChips";
import { useAttachments } from "@/pages/chat/attachments";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/classes";

interface ComposerProps {
  app: string;
  /** The endings of files it takes, ".pdf,.png"; undefined while that is not known. */
  accept?: string | undefined;
  takesFiles?: boolean;
  takesFocus?: boolean;
  maxLength?: number;
  busy: boolean;
  onSend: (question: string, files: readonly Attached[]) => void;
  onStop: () => void;
}

/** Enter sends, Shift+Enter breaks the line; the Enter that ends a Korean syllable does neither. Files come by the
    button, by dropping them and from the clipboard. */
export function Composer({ app, accept, takesFiles = true, takesFocus = true, maxLength = 20_000, busy, onSend, onStop }: ComposerProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const [over, setOver] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const files = useAttachments(app);
  useEffect(() => {
    if (takesFocus && matchMedia("(pointer: fine)").matches) field.current?.focus({ preventScroll: true });
  }, [takesFocus]);
  const canSend = typed.trim() !== "" && files.ready;
  const send = () => {
    if (!canSend || busy) return;
    setTyped("");
    onSend(typed.trim(), files.take());
  };
  const dropped = (event: DragEvent) => {
    if (!takesFiles || !event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver(event.type === "dragover");
    if (event.type === "drop") files.add(event.dataTransfer.files);
  };
  const pasted = (event: ClipboardEvent) => {
    const found = [...event.clipboardData.files];
    if (!takesFiles || found.length === 0) return;
    event.preventDefault();
    files.add(found);
  };
  return (
    <form
      className={cx(
        "relative rounded-xl border border-control bg-surface p-2 shadow-low focus-within:border-accent focus-within:shadow-[0_0_0_1px_var(--accent)]",
        over && "border-accent",
      )}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
      onDragOver={dropped}
      onDragLeave={dropped}
      onDrop={dropped}
    >
      {over && (
        <div className="pointer-events-none absolute inset-0 z-10 flex items-center justify-center rounded-xl bg-accent-soft font-medium text-accent-ink">
          {t("chat.files.drop")}
        </div>
      )}
      <AttachmentChips all={files.all} onRemove={files.remove} />
      <textarea
        ref={field}
        rows={1}
        value={typed}
        maxLength={maxLength}
        aria-label={t("chat.question")}
        placeholder={t("chat.placeholder")}
        onChange={(event) => setTyped(event.target.value)}
        onPaste={pasted}
        onKeyDown={(event) => {
          if (!sends(event)) return;
          event.preventDefault();
          send();
        }}
        className="scroll-quiet block field-sizing-content max-h-52 min-h-9 w-full resize-none bg-transparent px-2 py-1.5 text-md outline-none"
      />
      <div className="flex items-center gap-2">
        {takesFiles && (
          <>
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              aria-label={t("chat.files.add")}
              accept={accept}
              onChange={(event) => {
                files.add(event.target.files ?? []);
                event.target.value = "";
              }}
            />
            <IconButton icon={Paperclip} size="small" label={t("chat.files.add")} onClick={() => picker.current?.click()} />
          </>
        )}
        <p className="grow truncate text-xs text-faint">{t("chat.keys")}</p>
        {busy ? (
          <button
            type="button"
            onClick={onStop}
            aria-label={t("chat.stop")}
            title={t("chat.stop")}
            className="flex size-8 items-center justify-center rounded-lg bg-ink text-surface"
          >
            <Square size={12} fill="currentColor" aria-hidden />
          </button>
        ) : (
          <button
            type="submit"
            disabled={!canSend}
            aria-label={t("chat.send")}
            title={t("chat.send")}
            className="flex size-8 items-center justify-center rounded-lg bg-accent text-on-accent hover:bg-accent-strong disabled:bg-hover disabled:text-faint"
          >
            <ArrowUp size={17} aria-hidden />
          </button>
        )}
      </div>
    </form>
  );
}
