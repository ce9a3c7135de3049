import { Menu as Base } from "@base-ui/react/menu";
import { Check, type LucideIcon } from "lucide-react";
import type { ReactElement } from "react";

import { Kbd } from "@/ui/Kbd";
import { cx } from "@/ui/classes";

export interface MenuItem {
  readonly id: string;
  readonly label: string;
  readonly icon?: LucideIcon;
  readonly shortcut?: string;
  readonly danger?: boolean;
  readonly checked?: boolean;
  readonly run: () => void;
}

interface MenuProps {
  /** The button; it gets the menu's behaviour. */
  trigger: ReactElement;
  /** Groups of items, a line between them. */
  groups: readonly { readonly title?: string; readonly items: readonly MenuItem[] }[];
}

export function Menu({ trigger, groups }: MenuProps) {
  return (
    <Base.Root>
      <Base.Trigger render={trigger} />
      <Base.Portal>
        <Base.Positioner sideOffset={4} align="end" className="z-50 outline-none">
          <Base.Popup className="popup min-w-48 p-1 text-base outline-none">
            {groups.map((group, index) => (
              <Base.Group key={index} className={cx(index > 0 && "mt-1 border-t border-line pt-1")}>
                {group.title && (
                  <Base.GroupLabel className="px-2.5 pt-1.5 pb-1 text-xs text-faint">{group.title}</Base.GroupLabel>
                )}
                {group.items.map((item) => (
                  <Base.Item
                    key={item.id}
                    onClick={item.run}
                    className={cx(
                      "flex cursor-default items-center gap-2.5 rounded-sm px-2.5 py-1.5 outline-none data-highlighted:bg-hover",
                      item.danger && "text-bad",
                    )}
                  >
                    {item.icon && <item.icon size={15} className={cx(!item.danger && "text-muted")} aria-hidden />}
                    <span className="grow">{item.label}</span>
                    {item.checked && <Check size={15} className="text-accent-ink" aria-label="✓" />}
                    {item.shortcut && <Kbd keys={item.shortcut} />}
                  </Base.Item>
                ))}
              </Base.Group>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
