import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import { type ReactNode, useRef } from "react";

import { Button, IconButton } from "@/ui/Button";
import { cx } from "@/ui/classes";

const BACKDROP =
  "fixed inset-0 z-40 bg-scrim transition-opacity duration-(--calm) data-ending-style:opacity-0 data-starting-style:opacity-0";
const BOX =
  "popup fixed top-1/2 left-1/2 z-40 flex max-h-[calc(100dvh-2rem)] w-[calc(100vw-2rem)] -translate-x-1/2 -translate-y-1/2 " +
  "flex-col outline-none transition duration-(--calm) ease-out data-ending-style:scale-98 data-ending-style:opacity-0 " +
  "data-starting-style:scale-98 data-starting-style:opacity-0";

interface DialogProps {
  open: boolean;
  onClose: () => void;
  title: string;
  hint?: string;
  closeLabel: string;
  wide?: boolean;
  children: ReactNode;
}

/** Gives the focus back to what had it at the opening; a field that takes it by itself hides that from the library. */
export function useReturn(open: boolean): () => HTMLElement | true {
  const opener = useRef<Element | null>(null);
  const wasOpen = useRef(false);
  if (open && !wasOpen.current) opener.current = document.activeElement;
  wasOpen.current = open;
  return () => {
    const found = opener.current;
    return found instanceof HTMLElement && found.isConnected && found !== document.body ? found : true;
  };
}

/** What it showed last while it goes away: by then, its owner has forgotten what it was about. */
function useShown<P extends { open: boolean }>(props: P): P {
  const last = useRef(props);
  if (props.open) last.current = props;
  return last.current;
}

export function Dialog(props: DialogProps) {
  const { open, onClose } = props;
  const { title, hint, closeLabel, wide = false, children } = useShown(props);
  const giveBack = useReturn(open);
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={BACKDROP} />
        <Base.Popup finalFocus={giveBack} className={cx(BOX, wide ? "max-w-2xl" : "max-w-md")}>
          <header className="flex items-start gap-3 px-5 pt-5 pb-1">
            <div className="grow">
              <Base.Title className="text-lg font-semibold">{title}</Base.Title>
              {hint && <Base.Description className="mt-1 text-base text-muted">{hint}</Base.Description>}
            </div>
            <IconButton icon={X} label={closeLabel} size="small" onClick={onClose} />
          </header>
          <div className="scroll-quiet overflow-y-auto px-5 pt-3 pb-5">{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

export function DialogActions({ children }: { children: ReactNode }) {
  return <div className="mt-5 flex flex-wrap justify-end gap-2">{children}</div>;
}

interface ConfirmProps {
  open: boolean;
  onClose: () => void;
  onConfirm: () => void;
  title: string;
  text: string;
  confirmLabel: string;
  cancelLabel: string;
  busy?: boolean;
  /** Something must be done before it can be confirmed. */
  blocked?: boolean;
  /** Nothing is lost by it. */
  harmless?: boolean;
  children?: ReactNode;
}

/** Asks before something is lost or put in force; the safe answer has the focus. */
export function Confirm(props: ConfirmProps) {
  const { open, onClose, onConfirm } = props;
  const shown = useShown(props);
  const giveBack = useReturn(open);
  return (
    <AlertDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className={BACKDROP} />
        <AlertDialog.Popup finalFocus={giveBack} className={cx(BOX, "max-w-md p-5")}>
          <AlertDialog.Title className="text-lg font-semibold">{shown.title}</AlertDialog.Title>
          <AlertDialog.Description className="mt-2 text-base text-muted">{shown.text}</AlertDialog.Description>
          {shown.children}
          <DialogActions>
            <Button onClick={onClose}>{shown.cancelLabel}</Button>
            <Button kind={shown.harmless ? "primary" : "danger"} onClick={onConfirm} busy={shown.busy ?? false} disabled={shown.blocked}>
              {shown.confirmLabel}
            </Button>
          </DialogActions>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}

interface SidePanelProps {
  open: boolean;
  /** For pages and tables. */
  wide?: boolean;
  onClose: () => void;
  title: ReactNode;
  hint?: ReactNode;
  closeLabel: string;
  side?: "left" | "right";
  /** The content brings its own margins and scrolls itself. */
  flush?: boolean;
  children: ReactNode;
}

/** Slides in over the page; from the right, on a phone, it is the whole screen. */
export function SidePanel(props: SidePanelProps) {
  const { open, onClose } = props;
  const { title, hint, closeLabel, side = "right", wide = false, flush = false, children } = useShown(props);
  const giveBack = useReturn(open);
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={BACKDROP} />
        <Base.Popup
          finalFocus={giveBack}
          className={cx(
            "fixed inset-y-0 z-40 flex flex-col border-line bg-surface shadow-high outline-none transition-transform duration-(--calm) ease-out",
            side === "right"
              ? "right-0 w-full border-l data-ending-style:translate-x-full data-starting-style:translate-x-full"
              : "left-0 w-80 max-w-[88vw] border-r data-ending-style:-translate-x-full data-starting-style:-translate-x-full",
            side === "right" && (wide ? "sm:w-xl lg:w-2xl" : "sm:w-md"),
          )}
        >
          <header className="flex items-start gap-3 border-b border-line px-5 py-4">
            <div className="min-w-0 grow">
              <Base.Title className="text-md font-semibold">{title}</Base.Title>
              {hint && <div className="mt-0.5 text-sm text-muted">{hint}</div>}
            </div>
            <IconButton icon={X} label={closeLabel} size="small" onClick={onClose} />
          </header>
          <div className={flush ? "min-h-0 grow" : "scroll-quiet grow overflow-y-auto px-5 py-4"}>{children}</div>
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}
