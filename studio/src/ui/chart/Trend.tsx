import { cx } from "@/ui/classes";

interface TrendProps {
  /** What it shows, with the newest value, in words. */
  label: string;
  /** The newest last; null: nothing was known then. */
  values: readonly (number | null)[];
  /** How many fit; fewer stand right. */
  room: number;
  className?: string;
}

const WIDTH = 96;
const HEIGHT = 24;

/** A line without axes: whether something goes up or down. The number stands beside it. */
export function Trend({ label, values, room, className }: TrendProps) {
  const most = Math.max(1, ...values.map((one) => one ?? 0));
  const at = (index: number) => WIDTH - ((values.length - 1 - index) / Math.max(1, room - 1)) * WIDTH;
  const path = values
    .map((one, index) => (one === null ? "" : `${index === 0 || values[index - 1] === null ? "M" : "L"}${at(index).toFixed(1)} ${(HEIGHT - 2 - (one / most) * (HEIGHT - 4)).toFixed(1)}`))
    .join("");
  return (
    <svg role="img" aria-label={label} viewBox={`0 0 ${WIDTH} ${HEIGHT}`} width={WIDTH} height={HEIGHT} className={cx("shrink-0", className)}>
      <line x1={0} x2={WIDTH} y1={HEIGHT - 1.5} y2={HEIGHT - 1.5} className="stroke-line" />
      <path d={path} fill="none" strokeWidth={1.5} strokeLinejoin="round" strokeLinecap="round" className="stroke-accent" />
    </svg>
  );
}
