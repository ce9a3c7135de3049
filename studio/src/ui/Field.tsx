import { type ComponentProps, type FormEvent, type ReactNode, createContext, useContext, useId, useState } from "react";

import { cx } from "@/ui/classes";

const BOX =
  "w-full rounded-md border border-control bg-surface px-3 text-base text-ink transition-colors duration-(--quick) " +
  "hover:border-muted focus:border-accent focus:outline-2 focus:-outline-offset-1 focus:outline-accent " +
  "aria-invalid:border-bad disabled:opacity-60";

/** What a field says when the browser finds its value wrong, in the reader's language and not the browser's. */
export interface FieldWords {
  readonly required: string;
  readonly email: string;
  readonly url: string;
  readonly short: (least: number) => string;
  readonly range: (least: string, most: string) => string;
  readonly least: (least: string) => string;
  readonly whole: string;
  readonly other: string;
}

export const FieldWordsContext = createContext<FieldWords>({
  required: "",
  email: "",
  url: "",
  short: () => "",
  range: () => "",
  least: () => "",
  whole: "",
  other: "",
});

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

function complaint(control: Control, words: FieldWords): string {
  const { validity } = control;
  if (validity.customError) return control.validationMessage;
  if (validity.valueMissing) return words.required;
  if (validity.typeMismatch) return control.type === "email" ? words.email : words.url;
  if (validity.tooShort && "minLength" in control) return words.short(control.minLength);
  if ((validity.rangeUnderflow || validity.rangeOverflow) && "min" in control) {
    return control.max === "" ? words.least(control.min) : words.range(control.min, control.max);
  }
  if (validity.stepMismatch) return words.whole; // no other steps are used
  return words.other;
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  /** Gets the ids that tie the control to its label, hint and error. */
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": true | undefined }) => ReactNode;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const words = useContext(FieldWordsContext);
  const [found, setFound] = useState("");
  const shown = error || found;
  const told = shown ? `${id}-error` : hint ? `${id}-hint` : undefined;
  const invalid = (event: FormEvent) => {
    const control = event.target as Control;
    event.preventDefault(); // the browser's own bubble speaks the browser's language
    setFound(complaint(control, words));
    for (let fold = control.closest("details"); fold; fold = fold.parentElement?.closest("details") ?? null) fold.open = true;
    if (control.form?.querySelector(":invalid:not(fieldset)") === control) control.focus();
  };
  return (
    <div className="flex flex-col gap-1.5" onInvalidCapture={invalid} onInput={() => setFound("")}>
      <label htmlFor={id} className="text-sm font-medium text-ink">
        {label}
      </label>
      {children({ id, "aria-describedby": told, "aria-invalid": shown ? true : undefined })}
      {shown ? (
        <p id={`${id}-error`} role="alert" className="text-sm text-bad">
          {shown}
        </p>
      ) : (
        hint && (
          <p id={`${id}-hint`} className="text-sm text-muted">
            {hint}
          </p>
        )
      )}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...rest} className={cx(BOX, "h-9", className)} />;
}

export function TextArea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea {...rest} className={cx(BOX, "min-h-20 py-2", className)} />;
}

/** The system's own list: the one that a phone shows best. */
export function Choose({ className, ...rest }: ComponentProps<"select">) {
  return <select {...rest} className={cx(BOX, "h-9", className)} />;
}

export function Checkbox({ label, className, ...rest }: ComponentProps<"input"> & { label: ReactNode }) {
  return (
    <label className={cx("flex min-h-7 items-center gap-2.5 text-base", className)}>
      <input type="checkbox" {...rest} className="size-4 shrink-0 accent-(--accent)" />
      <span className="min-w-0">{label}</span>
    </label>
  );
}
