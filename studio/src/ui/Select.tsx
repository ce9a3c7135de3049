import { Select as Base } from "@base-ui/react/select";
import { Check, ChevronsUpDown } from "lucide-react";

import { cx } from "@/ui/classes";

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

interface SelectProps<T extends string> {
  value: T;
  choices: readonly Choice<T>[];
  onChange: (value: T) => void;
  label: string;
  id?: string;
  className?: string;
}

export function Select<T extends string>({ value, choices, onChange, label, id, className }: SelectProps<T>) {
  const chosen = choices.find((choice) => choice.value === value);
  return (
    <Base.Root value={value} onValueChange={(next) => next !== null && onChange(next as T)}>
      <Base.Trigger
        id={id}
        aria-label={`${label}: ${chosen?.label ?? value}`}
        className={cx(
          "inline-flex h-9 min-w-0 items-center justify-between gap-2 rounded-md border border-control bg-surface px-3 text-base",
          "transition-colors duration-(--quick) hover:border-muted data-popup-open:border-accent",
          className,
        )}
      >
        <span className="truncate">{chosen?.label ?? value}</span>
        <ChevronsUpDown size={14} className="shrink-0 text-faint" aria-hidden />
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner sideOffset={4} alignItemWithTrigger={false} className="z-50 outline-none">
          <Base.Popup className="popup max-h-80 min-w-(--anchor-width) overflow-y-auto p-1 text-base outline-none">
            {choices.map((choice) => (
              <Base.Item
                key={choice.value}
                value={choice.value}
                className="flex cursor-default items-center gap-2 rounded-sm px-2.5 py-1.5 outline-none data-highlighted:bg-hover"
              >
                <Base.ItemText className="min-w-0 grow">
                  <span className="block truncate">{choice.label}</span>
                  {choice.hint && <span className="block text-sm text-muted">{choice.hint}</span>}
                </Base.ItemText>
                <Base.ItemIndicator className="text-accent-ink">
                  <Check size={15} aria-hidden />
                </Base.ItemIndicator>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
