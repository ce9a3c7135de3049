import { Plus, X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";

const SUGGESTED = 12;

interface ChipsProps {
  id: string;
  "aria-describedby"?: string | undefined;
  values: readonly string[];
  /** Offered below; those that fit what is being typed. */
  known: readonly string[];
  onChange: (values: string[]) => void;
  placeholder?: string;
  maxLength?: number;
  removeLabel: (value: string) => string;
  addLabel: (value: string) => string;
  knownLabel: string;
}

/** Several words in one field. Enter and a comma end a word; Backspace takes the last one back. */
export function Chips({ id, values, known, onChange, placeholder, maxLength = 100, removeLabel, addLabel, knownLabel, ...rest }: ChipsProps) {
  const [typed, setTyped] = useState("");
  const add = (text: string) => {
    const words = text.split(/[,，、\n]/).map((word) => word.trim().normalize()).filter(Boolean);
    if (words.length > 0) onChange([...new Set([...values, ...words])]);
    setTyped("");
  };
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && typed.trim() !== "") {
      event.preventDefault();
      add(typed);
    } else if (event.key === "Backspace" && typed === "") onChange(values.slice(0, -1));
  };
  const begun = typed.trim().toLowerCase();
  const offered = known.filter((one) => !values.includes(one) && one.toLowerCase().includes(begun)).slice(0, SUGGESTED);
  return (
    <div className="flex flex-col gap-2">
      <div className="flex min-h-9 flex-wrap items-center gap-1 rounded-md border border-control bg-surface p-1 focus-within:border-accent focus-within:outline-2 focus-within:-outline-offset-1 focus-within:outline-accent hover:border-muted">
        {values.map((value) => (
          <span key={value} className="inline-flex max-w-full items-center gap-0.5 rounded-sm bg-accent-soft pl-2 text-sm font-medium text-accent-ink">
            <span className="truncate py-0.5">{value}</span>
            <button
              type="button"
              aria-label={removeLabel(value)}
              onClick={() => onChange(values.filter((one) => one !== value))}
              className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm hover:bg-hover"
            >
              <X size={13} aria-hidden />
            </button>
          </span>
        ))}
        <input
          {...rest}
          id={id}
          value={typed}
          maxLength={maxLength}
          placeholder={values.length === 0 ? placeholder : undefined}
          autoComplete="off"
          onChange={(event) => (/[,，、]$/.test(event.target.value) ? add(event.target.value) : setTyped(event.target.value))}
          onKeyDown={press}
          onBlur={() => add(typed)}
          className="h-7 min-w-24 grow bg-transparent px-2 text-base outline-none placeholder:text-faint"
        />
      </div>
      {offered.length > 0 && (
        <ul aria-label={knownLabel} className="flex flex-wrap gap-1.5">
          {offered.map((one) => (
            <li key={one} className="max-w-full">
              <button
                type="button"
                aria-label={addLabel(one)}
                onMouseDown={(event) => event.preventDefault()} // the field keeps the focus, and what is typed is not taken
                onClick={() => add(one)}
                className="inline-flex h-7 max-w-full items-center gap-1 rounded-sm border border-dashed border-control px-2 text-sm text-muted hover:border-muted hover:text-ink"
              >
                <Plus size={13} aria-hidden className="shrink-0" />
                <span className="truncate">{one}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
