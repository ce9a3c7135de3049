import { LoaderCircle, type LucideIcon } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";

import { cx } from "@/ui/classes";

export type ButtonKind = "primary" | "secondary" | "quiet" | "danger";

const KINDS: Record<ButtonKind, string> = {
  primary: "bg-accent text-on-accent hover:bg-accent-strong border-transparent",
  secondary: "bg-surface text-ink hover:bg-hover border-control/60",
  quiet: "bg-transparent text-muted hover:bg-hover hover:text-ink border-transparent",
  danger: "bg-bad-fill text-on-bad hover:brightness-110 border-transparent",
};

interface ButtonProps extends ComponentProps<"button"> {
  kind?: ButtonKind;
  size?: "small" | "normal";
  icon?: LucideIcon;
  /** Shows that it works and takes no second press. */
  busy?: boolean;
  children: ReactNode;
}

const SHAPE =
  "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md border font-medium whitespace-nowrap select-none " +
  "transition-colors duration-(--quick) disabled:cursor-not-allowed disabled:opacity-50 aria-busy:cursor-progress aria-busy:opacity-50";
const SIZES = { small: "h-7 px-2.5 text-sm", normal: "h-9 px-3.5 text-base" } as const;

/** For links that look like buttons. */
export const buttonLook = (kind: ButtonKind = "secondary", size: keyof typeof SIZES = "normal"): string =>
  cx(SHAPE, SIZES[size], KINDS[kind]);

export function Button({
  kind = "secondary",
  size = "normal",
  icon: Icon,
  busy = false,
  className,
  children,
  onClick,
  ...rest
}: ButtonProps) {
  return (
    <button
      type="button"
      {...rest}
      onClick={busy ? (event) => event.preventDefault() : onClick}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined} // a disabled one would lose the focus
      className={cx(buttonLook(kind, size), className)}
    >
      {busy ? <LoaderCircle size={15} className="animate-spin" aria-hidden /> : Icon && <Icon size={15} aria-hidden />}
      {children}
    </button>
  );
}

interface IconButtonProps extends ComponentProps<"button"> {
  icon: LucideIcon;
  label: string;
  size?: "small" | "normal";
}

export function IconButton({ icon: Icon, label, size = "normal", className, ...rest }: IconButtonProps) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={cx(
        "inline-flex shrink-0 items-center justify-center rounded-md text-muted transition-colors duration-(--quick)",
        "hover:bg-hover hover:text-ink disabled:cursor-not-allowed disabled:opacity-40",
        size === "small" ? "size-7" : "size-9",
        className,
      )}
    >
      <Icon size={size === "small" ? 15 : 17} aria-hidden />
    </button>
  );
}
