import { CircleAlert, CircleCheck, Clock, LoaderCircle, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Document } from "@/api/client";
import { useFormat } from "@/i18n/format";
import { Badge, type Tone } from "@/ui/Badge";
import { Progress } from "@/ui/Progress";

export const STATES = ["queued", "running", "ready", "failed"] as const;

const LOOKS = {
  queued: { tone: "plain", icon: Clock },
  running: { tone: "info", icon: LoaderCircle },
  ready: { tone: "good", icon: CircleCheck },
  failed: { tone: "bad", icon: CircleAlert },
  deleting: { tone: "plain", icon: Trash2 },
} as const satisfies Record<Document["state"], { tone: Tone; icon: unknown }>;

export function StateBadge({ state }: { state: Document["state"] }) {
  const { t } = useTranslation();
  return (
    <Badge tone={LOOKS[state].tone} icon={LOOKS[state].icon}>
      {t(`state.${state}`)}
    </Badge>
  );
}

/** How many documents are in each state; what needs nobody is quiet. */
export function StateCounts({ counts }: { counts: Readonly<Record<string, number>> }) {
  const { t } = useTranslation();
  const format = useFormat();
  const there = STATES.filter((state) => counts[state]);
  if (there.length === 0) return <span className="text-faint">{t("knowledge.empty")}</span>;
  return (
    <span className="flex flex-wrap gap-1">
      {there.map((state) => (
        <Badge key={state} tone={state === "ready" ? "plain" : LOOKS[state].tone} icon={LOOKS[state].icon}>
          {format.number(counts[state] ?? 0)} {t(`state.${state}`)}
        </Badge>
      ))}
    </span>
  );
}

/** Where a document is: its state, while it is read the stage and how far, and why it failed. */
export function DocumentState({ document }: { document: Document }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (document.state === "running" && !document.stage) return <StateBadge state="queued" />; // its batch has begun
  if (document.state === "running") {
    const stage = t(`stage.${document.stage as Exclude<Document["stage"], "">}`);
    const part = document.total > 0 ? document.done / document.total : null;
    return (
      <div className="w-full max-w-36">
        <p className="mb-1 flex justify-between gap-2 text-sm">
          <span>{stage}</span>
          {document.total > 0 && (
            <span className="text-muted tabular-nums">
              {format.number(document.done)}/{format.number(document.total)}
            </span>
          )}
        </p>
        <Progress part={part} label={`${document.name}: ${stage}`} />
      </div>
    );
  }
  return <StateBadge state={document.state} />;
}
