import { ArrowUp, Square } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { sends } from "@/actions/keys";

interface ComposerProps {
  busy: boolean;
  onSend: (question: string) => void;
  onStop: () => void;
}

/** Enter sends, Shift+Enter breaks the line; the Enter that ends a Korean syllable does neither. */
export function Composer({ busy, onSend, onStop }: ComposerProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus({ preventScroll: true });
  }, []);
  const send = () => {
    const question = typed.trim();
    if (!question || busy) return;
    setTyped("");
    onSend(question);
  };
  return (
    <form
      className="rounded-xl border border-control bg-surface p-2 shadow-low focus-within:border-accent focus-within:shadow-[0_0_0_1px_var(--accent)]"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={typed}
        maxLength={20_000}
        aria-label={t("chat.question")}
        placeholder={t("chat.placeholder")}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => {
          if (!sends(event)) return;
          event.preventDefault();
          send();
        }}
        className="scroll-quiet block field-sizing-content max-h-52 min-h-9 w-full resize-none bg-transparent px-2 py-1.5 text-md outline-none"
      />
      <div className="flex items-center gap-2 pl-2">
        <p className="grow text-xs text-faint">{t("chat.keys")}</p>
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
            disabled={!typed.trim()}
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
