import { cx } from "@/ui/classes";

interface MeterProps {
  label: string;
  used: number;
  bound: number;
  /** What was used and what may be, in words. */
  text: string;
  className?: string;
}

/** How much of a bound is used: calm, near it, or reached. The colour is never the only word: `text` says it. */
export function Meter({ label, used, bound, text, className }: MeterProps) {
  const part = bound > 0 ? used / bound : 1;
  return (
    <div className={cx("min-w-0", className)}>
      <p className="flex flex-wrap justify-between gap-x-3 text-sm">
        <span className="text-muted">{label}</span>
        <span className={cx("tabular-nums", part >= 1 && "font-medium text-bad")}>{text}</span>
      </p>
      <div
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={Math.min(100, Math.round(part * 100))}
        aria-valuetext={text}
        className="mt-1 h-1.5 overflow-hidden rounded-full bg-line"
      >
        <div
          className={cx("h-full rounded-full transition-[width] duration-(--calm)", part >= 1 ? "bg-bad" : part >= 0.8 ? "bg-lit" : "bg-accent")}
          style={{ width: `${Math.min(100, Math.max(used > 0 ? 2 : 0, part * 100))}%` }}
        />
      </div>
    </div>
  );
}
