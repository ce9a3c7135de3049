import { type ComponentProps, type ReactNode, useId } from "react";

import { cx } from "@/ui/classes";

const BOX =
  "w-full rounded-md border border-control bg-surface px-3 text-base text-ink transition-colors duration-(--quick) " +
  "hover:border-muted focus:border-accent focus:outline-2 focus:-outline-offset-1 focus:outline-accent " +
  "aria-invalid:border-bad disabled:opacity-60";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  /** Gets the ids that tie the control to its label, hint and error. */
  children: (ids: { id: string; "aria-describedby": string | undefined; "aria-invalid": true | undefined }) => ReactNode;
}

export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  const told = error ? `${id}-error` : hint ? `${id}-hint` : undefined;
  return (
    <div className="flex flex-col gap-1.5">
      <label htmlFor={id} className="text-sm font-medium text-ink">
        {label}
      </label>
      {children({ id, "aria-describedby": told, "aria-invalid": error ? true : undefined })}
      {error ? (
        <p id={`${id}-error`} className="text-sm text-bad">
          {error}
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

export function Checkbox({ label, className, ...rest }: ComponentProps<"input"> & { label: ReactNode }) {
  return (
    <label className={cx("flex min-h-7 items-center gap-2.5 text-base", className)}>
      <input type="checkbox" {...rest} className="size-4 shrink-0 accent-(--accent)" />
      <span className="min-w-0">{label}</span>
    </label>
  );
}
