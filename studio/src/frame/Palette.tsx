import { Dialog } from "@base-ui/react/dialog";
import { Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useOffered } from "@/actions/action";
import { composing } from "@/actions/keys";
import { matches } from "@/frame/filter";
import { useReturn } from "@/ui/Dialog";
import { Kbd } from "@/ui/Kbd";
import { cx } from "@/ui/classes";

/** Every noun and action, by typing. A combobox: the focus stays in the field, arrows move the choice. */
export function Palette({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  const giveBack = useReturn(open);
  return (
    <Dialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-50 bg-scrim transition-opacity duration-(--quick) data-ending-style:opacity-0 data-starting-style:opacity-0" />
        <Dialog.Popup
          finalFocus={giveBack}
          className="popup fixed top-[12dvh] left-1/2 z-50 flex max-h-[70dvh] w-[calc(100vw-1.5rem)] max-w-xl -translate-x-1/2 flex-col overflow-hidden outline-none"
        >
          <Dialog.Title className="sr-only">{t("palette.title")}</Dialog.Title>
          <Body onClose={onClose} />
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Body({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const chosen = useRef<HTMLLIElement>(null);
  const actions = useOffered();
  const found = useMemo(
    () => actions.filter((one) => one.id !== "palette" && matches(`${one.label} ${one.group} ${one.words ?? ""}`, typed)),
    [actions, typed],
  );
  const current = Math.min(at, found.length - 1);
  useEffect(() => {
    chosen.current?.scrollIntoView({ block: "nearest" }); // returns a promise in newer browsers: not the cleanup
  }, [current]);

  const run = (action: Action | undefined) => {
    if (!action) return;
    onClose();
    action.run();
  };
  const press = (event: KeyboardEvent) => {
    if (composing(event)) return;
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setAt(Math.abs(step) === 1 ? (current + step + found.length) % Math.max(1, found.length) : clamp(current + step, found.length));
    } else if (event.key === "Enter") {
      event.preventDefault();
      run(found[current]);
    }
  };

  return (
    <>
      <div className="flex items-center gap-3 border-b border-line px-4">
        <Search size={17} className="shrink-0 text-faint" aria-hidden />
        <input
          role="combobox"
          aria-expanded
          aria-controls={`${id}-list`}
          aria-activedescendant={found[current] ? `${id}-${current}` : undefined}
          aria-label={t("palette.title")}
          autoFocus // at once: one types on
          autoComplete="off"
          spellCheck={false}
          placeholder={t("palette.placeholder")}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setAt(0);
          }}
          onKeyDown={press}
          className="h-12 w-full bg-transparent text-md outline-none"
        />
        <Kbd keys="esc" />
      </div>
      {found.length === 0 ? (
        <p className="px-4 py-8 text-center text-muted">{t("palette.none", { typed })}</p>
      ) : (
        <ul id={`${id}-list`} role="listbox" aria-label={t("palette.title")} className="scroll-quiet overflow-y-auto p-1.5">
          {found.map((action, index) => (
            <li
              key={action.id}
              id={`${id}-${index}`}
              ref={index === current ? chosen : undefined}
              role="option"
              aria-selected={index === current}
              onMouseMove={() => setAt(index)}
              onClick={() => run(action)}
              className={cx("flex h-9 cursor-default items-center gap-3 rounded-md px-2.5", index === current && "bg-hover")}
            >
              <action.icon size={16} className="shrink-0 text-muted" aria-hidden />
              <span className="min-w-0 grow truncate">{action.label}</span>
              <span className="hidden shrink-0 text-sm text-muted sm:inline">{action.group}</span>
              {action.shortcut && <Kbd keys={action.shortcut} />}
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const clamp = (value: number, count: number): number => Math.max(0, Math.min(count - 1, value));
