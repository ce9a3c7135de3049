import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { RunDetail } from "@/api/client";
import { nodeTypes } from "@/api/runs";
import { CodeBlock } from "@/pages/apps/CodeBlock";
import { RunState } from "@/pages/apps/runs/RunState";
import { took } from "@/pages/apps/runs/words";
import { Badge } from "@/ui/Badge";

type NodeRun = RunDetail["nodes"][number];

/** One node as it ran, folded: what it was given, what it did with it, what it made. */
export function NodeRow({ node }: { node: NodeRun }) {
  const { t, i18n } = useTranslation();
  const { data: types, isPending } = useQuery(nodeTypes);
  const known = types?.find((one) => one.type === node.node_type);
  const type = known?.words[i18n.language === "ko" ? "ko" : "en"].label ?? (isPending ? "" : node.node_type);
  const round = node.at.length > 0 ? t("runs.round", { round: node.at.map((one) => one + 1).join(".") }) : "";
  return (
    <li className="border-b border-line last:border-b-0">
      <details className="group">
        <summary className="flex cursor-pointer list-none flex-wrap items-center gap-x-3 gap-y-1 px-4 py-2.5 hover:bg-hover">
          <ChevronRight size={14} className="shrink-0 text-muted transition-transform group-open:rotate-90" aria-hidden />
          <span className="min-w-0 grow basis-32 truncate font-medium">{node.title || node.node_id}</span>
          <span className="text-sm text-muted">{[type, round].filter(Boolean).join(" · ")}</span>
          {node.reused && <Badge>{t("runs.reused")}</Badge>}
          {node.retries > 0 && <Badge tone="warn">{t("runs.retried", { count: node.retries })}</Badge>}
          <RunState state={node.status} />
          <span className="w-16 text-right text-sm whitespace-nowrap text-muted">{took(node.elapsed_time * 1000, i18n.language)}</span>
        </summary>
        <div className="flex flex-col gap-4 px-4 pt-1 pb-4 sm:pl-11">
          {node.error && <p className="rounded-md bg-bad-soft px-3 py-2 break-words text-bad">{node.error}</p>}
          <Values label={t("runs.inputs")} values={node.inputs} />
          <Values label={t("runs.process")} values={node.process_data} />
          <Values label={t("runs.outputs")} values={node.outputs} />
        </div>
      </details>
    </li>
  );
}

/** Values by name as JSON; nothing where there are none. */
export function Values({ label, values }: { label: string; values?: Readonly<Record<string, unknown>> | undefined }) {
  if (!values || Object.keys(values).length === 0) return null;
  return (
    <div className="min-w-0">
      <p className="mb-1 text-sm text-muted">{label}</p>
      <CodeBlock text={JSON.stringify(values, null, 2)} label={label} />
    </div>
  );
}
