import { Toast } from "@base-ui/react/toast";
import { CircleAlert, CircleCheck, X } from "lucide-react";

import { IconButton } from "@/ui/Button";

const manager = Toast.createToastManager();

/** Says that something was done, or briefly that it was not. `undo` adds a button. */
export function toast(
  title: string,
  { text, bad = false, undo }: { text?: string; bad?: boolean; undo?: { label: string; run: () => void } } = {},
): void {
  manager.add({
    title,
    description: text,
    type: bad ? "bad" : "good",
    timeout: bad ? 9_000 : 5_000,
    priority: bad ? "high" : "low",
    actionProps: undo && { children: undo.label, onClick: undo.run },
  });
}

function List({ closeLabel }: { closeLabel: string }) {
  const { toasts } = Toast.useToastManager();
  return toasts.map((one) => (
    <Toast.Root
      key={one.id}
      toast={one}
      className="popup flex items-start gap-3 py-3 pr-2 pl-4 transition duration-(--calm) data-ending-style:opacity-0 data-starting-style:translate-y-3 data-starting-style:opacity-0"
    >
      <span className={one.type === "bad" ? "mt-0.5 text-bad" : "mt-0.5 text-good"} aria-hidden>
        {one.type === "bad" ? <CircleAlert size={16} /> : <CircleCheck size={16} />}
      </span>
      <div className="min-w-0 grow">
        <Toast.Title className="text-base font-medium" />
        <Toast.Description className="text-sm text-muted" />
      </div>
      <Toast.Action className="rounded-sm px-2 py-0.5 text-sm font-medium text-accent-ink hover:bg-hover" />
      <Toast.Close render={<IconButton icon={X} label={closeLabel} size="small" className="-my-1" />} />
    </Toast.Root>
  ));
}

export function Toasts({ label, closeLabel }: { label: string; closeLabel: string }) {
  return (
    <Toast.Provider toastManager={manager} limit={3}>
      <Toast.Portal>
        <Toast.Viewport
          aria-label={label}
          className="fixed right-4 bottom-4 z-60 flex w-[calc(100vw-2rem)] max-w-sm flex-col gap-2 outline-none"
        >
          <List closeLabel={closeLabel} />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}
