import { useFormat } from "@/i18n/format";

interface Record {
  readonly title: string;
  readonly text: string;
  readonly score: number;
}

/** What another server found, the best first. */
export function Records({ label, records }: { label: string; records: readonly Record[] }) {
  const format = useFormat();
  return (
    <ol aria-label={label} className="divide-y divide-line rounded-lg border border-line bg-surface">
      {records.map((one, index) => (
        <li key={index} className="px-3 py-2">
          <p className="flex items-baseline gap-2">
            <span className="min-w-0 grow truncate font-medium">{one.title}</span>
            <span className="text-sm text-muted tabular-nums">{format.number(one.score, 3)}</span>
          </p>
          <p className="line-clamp-3 text-sm break-words text-muted">{one.text}</p>
        </li>
      ))}
    </ol>
  );
}
