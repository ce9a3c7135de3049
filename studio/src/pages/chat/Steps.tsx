import { ChevronRight, LoaderCircle, TriangleAlert, Wrench } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Step } from "@/api/ask";
import { cx } from "@/ui/classes";

interface StepsProps {
  steps: readonly Step[];
  /** The agent is still at work. */
  isUnderWay: boolean;
}

/** What an agent did for its answer, folded: each tool with what it was given and what it answered. */
export function Steps({ steps, isUnderWay }: StepsProps) {
  const { t, i18n } = useTranslation();
  const used = steps.flatMap((step) => usesOf(step, i18n.language));
  const open = used.find(({ answer }) => answer === undefined);
  if (used.length === 0) {
    return isUnderWay ? <Working text={t("chat.steps.thinking")} /> : null;
  }
  return (
    <details className="group rounded-lg border border-line bg-surface text-sm">
      <summary className="flex cursor-pointer list-none items-center gap-2 rounded-lg px-3 py-2 text-muted hover:text-ink">
        <ChevronRight size={14} className="shrink-0 transition-transform group-open:rotate-90" aria-hidden />
        {isUnderWay && open ? (
          <Working text={t("chat.steps.using", { tool: open.label })} />
        ) : (
          <>
            <Wrench size={14} className="shrink-0" aria-hidden />
            <span className="min-w-0 truncate">
              {t("chat.steps.used", { count: used.length })}: {[...new Set(used.map(({ label }) => label))].join(", ")}
            </span>
          </>
        )}
      </summary>
      <ol className="flex flex-col gap-4 border-t border-line px-3 py-3">
        {used.map((use) => (
          <li key={use.key} className="flex min-w-0 flex-col gap-1.5">
            {use.thought && <p className="text-muted">{use.thought}</p>}
            <p className={cx("flex items-center gap-1.5 font-medium", use.isError && "text-warn")}>
              {use.isError ? <TriangleAlert size={14} aria-hidden /> : <Wrench size={14} aria-hidden />}
              {use.label}
            </p>
            <Told label={t("chat.steps.given")} text={use.given} />
            {use.answer !== undefined && <Told label={t("chat.steps.answer")} text={use.answer} />}
          </li>
        ))}
      </ol>
    </details>
  );
}

function Working({ text }: { text: string }) {
  return (
    <span role="status" className="flex items-center gap-2 text-sm text-muted">
      <LoaderCircle size={14} className="shrink-0 animate-spin" aria-hidden />
      {text}
    </span>
  );
}

function Told({ label, text }: { label: string; text: string }) {
  return (
    <div className="min-w-0">
      <p className="text-xs text-faint">{label}</p>
      <pre
        tabIndex={0}
        aria-label={label}
        className="scroll-quiet max-h-48 overflow-auto rounded-md bg-sunken px-2.5 py-1.5 font-mono text-xs break-words whitespace-pre-wrap"
      >
        {text}
      </pre>
    </div>
  );
}

interface Use {
  readonly key: string;
  readonly label: string;
  /** Said before the tools of its round, at the first of them. */
  readonly thought: string;
  readonly given: string;
  readonly answer: string | undefined;
  readonly isError: boolean;
}

/** The tools of one round. */
function usesOf(step: Step, language: string): Use[] {
  if (!step.tool) return [];
  const given = objectIn(step.tool_input);
  const answers = objectIn(step.observation);
  return step.tool.split(";").map((name, at): Use => {
    const labels = step.tool_labels[name] ?? {};
    const answer = answers[name];
    return {
      key: `${step.id} ${name}`,
      label: (language.startsWith("ko") ? labels.ko_KR : labels.en_US) ?? name,
      thought: at === 0 ? step.thought : "",
      given: shown(given[name]),
      answer: answer === undefined ? undefined : shown(answer),
      isError: typeof answer === "string" && answer.startsWith("Error: "),
    };
  });
}

function objectIn(json: string): Record<string, unknown> {
  try {
    const found: unknown = JSON.parse(json || "{}");
    return typeof found === "object" && found !== null ? (found as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const shown = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value ?? {}, null, 2));
