import { Cloud, EllipsisVertical, FolderOpen, Globe, Pencil, RefreshCw, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";

import { type Report, type Source, faultOf, reportsOf } from "@/api/sources";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { placeOf } from "@/pages/knowledge/sources/place";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { Progress } from "@/ui/Progress";

const ICONS = { folder: FolderOpen, urls: Globe, s3: Cloud } as const;
const COUNTED = ["new", "changed", "removed", "unchanged", "same", "failed"] as const;

interface SourceCardProps {
  source: Source;
  mayChange: boolean;
  busy: boolean;
  onRefresh: () => void;
  onEdit: () => void;
  onLose: () => void;
  onFailed: () => void;
}

/** A source: where it is, what the last look into it brought, and when the next one is. */
export function SourceCard({ source, mayChange, busy, onRefresh, onEdit, onLose, onFailed }: SourceCardProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const Icon = ICONS[source.kind];
  const { place, more } = placeOf(source);
  const [last, ...earlier] = reportsOf(source);
  const isBusy = source.state !== "idle";
  const fault = last && !isBusy ? faultOf(last) : null;
  return (
    <li className="rounded-lg border border-line bg-surface p-4">
      <div className="flex flex-wrap items-start gap-x-3 gap-y-2">
        <Icon size={18} className="mt-0.5 shrink-0 text-muted" aria-hidden />
        <div className="min-w-0 grow basis-48">
          <h3 className="font-medium break-words">{source.name}</h3>
          <p className="text-sm break-all text-muted">
            {place}
            {more > 0 && ` ${t("sources.andMore", { count: more })}`}
          </p>
          {source.next_at !== null && <p className="text-sm text-muted">{t("sources.next", { at: format.date(source.next_at) })}</p>}
        </div>
        <div className="flex items-center gap-1">
          <Button size="small" icon={RefreshCw} busy={busy} disabled={isBusy} onClick={onRefresh}>
            {t("sources.refresh")}
          </Button>
          {mayChange && (
            <Menu
              trigger={<IconButton icon={EllipsisVertical} size="small" label={t("sources.more", { name: source.name })} />}
              groups={[
                { items: [{ id: "edit", label: t("common.edit"), icon: Pencil, run: onEdit }] },
                { items: [{ id: "lose", label: t("sources.remove"), icon: Trash2, danger: true, run: onLose }] },
              ]}
            />
          )}
        </div>
      </div>
      {isBusy && (
        <div className="mt-3">
          <p className="mb-1 text-sm text-muted">{t(`sources.state.${source.state === "queued" ? "queued" : "running"}`)}</p>
          <Progress part={null} label={`${source.name}: ${t("sources.state.running")}`} />
        </div>
      )}
      {last && (
        <div className="mt-3 flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
          <Counts report={last} />
          {last.ended_at > 0 && <span className="text-muted">{format.ago(last.ended_at)}</span>}
          {last.failed > 0 && !isBusy && (
            <Button size="small" onClick={onFailed}>
              {t("sources.seeFailed")}
            </Button>
          )}
        </div>
      )}
      {!last && !isBusy && <p className="mt-3 text-sm text-muted">{t("sources.never")}</p>}
      {fault && (
        <div className="mt-3">
          <ErrorPanel error={fault} />
        </div>
      )}
      {earlier.length > 0 && (
        <details className="mt-3 text-sm">
          <summary className="cursor-pointer text-muted hover:text-ink">{t("sources.earlier", { count: earlier.length })}</summary>
          <ol className="mt-2 flex flex-col gap-1.5">
            {earlier.map((one) => (
              <li key={one.begun_at} className="flex flex-wrap items-center gap-x-3 gap-y-1">
                <time className="text-muted">{format.date(one.begun_at)}</time>
                {one.error_code ? <Badge tone="bad">{one.error_code}</Badge> : <Counts report={one} />}
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  );
}

function Counts({ report }: { report: Report }) {
  const { t } = useTranslation();
  const counted = COUNTED.filter((one) => report[one] > 0);
  if (counted.length === 0) return <span className="text-muted">{t("sources.nothing")}</span>;
  return (
    <span className="flex flex-wrap gap-1">
      {counted.map((one) => (
        <Badge key={one} tone={one === "failed" ? "bad" : one === "new" || one === "changed" ? "good" : "plain"}>
          {t(`sources.count.${one}`, { count: report[one] })}
        </Badge>
      ))}
    </span>
  );
}
