import { cx } from "@/ui/classes";

/** `part` 0..1; null: under way, nobody knows how far. */
export function Progress({ part, label, className }: { part: number | null; label: string; className?: string }) {
  const percent = part === null ? undefined : Math.round(Math.min(1, Math.max(0, part)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className={cx("h-1.5 overflow-hidden rounded-full bg-line", className)}
    >
      <div
        className={cx("h-full rounded-full bg-accent transition-[width] duration-(--calm)", part === null && "animate-pulse")}
        style={{ width: percent === undefined ? "35%" : `${percent}%` }}
      />
    </div>
  );
}

const TONES = { dense: "bg-dense", keyword: "bg-keyword", fused: "bg-fused", reranked: "bg-s5" } as const;

/** A score as a number and a bar; `part` 0..1 is its share of the best one shown. */
export function ScoreBar({ tone, value, part }: { tone: keyof typeof TONES; value: string; part: number }) {
  return (
    <div className="flex items-center gap-2">
      <div className="h-1.5 w-14 overflow-hidden rounded-full bg-line" aria-hidden>
        <div className={cx("h-full rounded-full", TONES[tone])} style={{ width: `${Math.max(2, part * 100)}%` }} />
      </div>
      <span className="text-sm tabular-nums">{value}</span>
    </div>
  );
}
