import { useId } from "react";

import { cx } from "@/ui/classes";

interface SegmentsProps<T extends string> {
  label: string;
  value: T;
  choices: readonly { readonly value: T; readonly label: string }[];
  onChange: (value: T) => void;
}

/** One of a few, all in sight; arrows move the choice as in any group of radio buttons. */
export function Segments<T extends string>({ label, value, choices, onChange }: SegmentsProps<T>) {
  const name = useId();
  return (
    <div role="radiogroup" aria-label={label} className="inline-flex max-w-full flex-wrap gap-0.5 rounded-lg bg-sunken p-0.5">
      {choices.map((choice) => (
        <label
          key={choice.value}
          className={cx(
            "relative flex h-8 cursor-pointer items-center rounded-md px-3 text-base font-medium has-focus-visible:outline-2 has-focus-visible:outline-accent",
            choice.value === value ? "bg-surface text-ink shadow-low" : "text-muted hover:text-ink",
          )}
        >
          <input
            type="radio"
            name={name}
            checked={choice.value === value}
            onChange={() => onChange(choice.value)}
            className="absolute inset-0 cursor-pointer opacity-0"
          />
          {choice.label}
        </label>
      ))}
    </div>
  );
}
