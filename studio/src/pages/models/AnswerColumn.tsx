import { Code, Ellipsis, Square, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { type Run, type Settings, requestOf, speedOf } from "@/pages/models/ask";
import type { Best } from "@/pages/models/best";
import { curlOf, pythonOf } from "@/pages/models/code";
import { IconButton } from "@/ui/Button";
import { copyText } from "@/ui/Copy";
import { Choose } from "@/ui/Field";
import { Markdown } from "@/ui/Markdown";
import { Menu } from "@/ui/Menu";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

interface AnswerColumnProps {
  number: number;
  model: string;
  names: readonly string[];
  run: Run | undefined;
  best: Best;
  settings: Settings;
  onModel: (model: string) => void;
  onStop: () => void;
  onRemove?: () => void;
}

/** One model's answer, with its numbers. */
export function AnswerColumn({ number, model, names, run, best, settings, onModel, onStop, onRemove }: AnswerColumnProps) {
  const { t } = useTranslation();
  const copy = (text: string, said: string) => void copyText(text).then(() => toast(said));
  const code = (write: typeof curlOf) => {
    try {
      copy(write(window.location.origin, requestOf(settings, model)), t("playground.copied"));
    } catch {
      toast(t("playground.notJson"), { bad: true });
    }
  };
  return (
    <section aria-label={t("playground.column", { number, model })} className="flex min-w-0 flex-col rounded-lg border border-line bg-surface">
      <header className="flex items-center gap-1 border-b border-line p-2">
        <Choose aria-label={t("playground.model", { number })} value={model} onChange={(event) => onModel(event.target.value)} className="min-w-0 grow font-medium">
          {names.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </Choose>
        {run?.state === "running" && <IconButton icon={Square} size="small" label={t("playground.stop", { model })} onClick={onStop} />}
        <Menu
          trigger={<IconButton icon={Ellipsis} size="small" label={t("playground.copyOf", { number })} />}
          groups={[
            {
              items: [
                { id: "curl", label: t("playground.copyCurl"), icon: Code, run: () => code(curlOf) },
                { id: "python", label: t("playground.copyPython"), icon: Code, run: () => code(pythonOf) },
                ...(run?.text ? [{ id: "answer", label: t("playground.copyAnswer"), icon: Code, run: () => copy(run.text, t("common.copied")) }] : []),
              ],
            },
          ]}
        />
        {onRemove && <IconButton icon={X} size="small" label={t("playground.remove", { number })} onClick={onRemove} />}
      </header>
      <div className="min-h-32 grow p-3">
        {run ? <Answer run={run} /> : <p className="py-6 text-center text-sm text-muted">{t("playground.waits")}</p>}
      </div>
      {run && <Numbers run={run} best={best} />}
    </section>
  );
}

function Answer({ run }: { run: Run }) {
  const { t } = useTranslation();
  return (
    <div aria-busy={run.state === "running"} className="flex min-w-0 flex-col gap-3">
      {run.reasoning && (
        <details className="rounded-md bg-sunken px-3 py-2 text-sm text-muted">
          <summary className="cursor-pointer">{t("playground.reasoning")}</summary>
          <p className="mt-1 whitespace-pre-wrap">{run.reasoning}</p>
        </details>
      )}
      {run.text && <Markdown text={run.text} copyLabel={t("common.copy")} copiedLabel={t("common.copied")} />}
      {run.calls.map((call, index) => (
        <figure key={index} className="rounded-md border border-line bg-sunken">
          <figcaption className="border-b border-line px-3 py-1 text-sm text-muted">{t("playground.calls", { name: call.name })}</figcaption>
          <pre tabIndex={0} className="scroll-quiet overflow-x-auto px-3 py-2 font-mono text-sm">
            {call.arguments}
          </pre>
        </figure>
      ))}
      {run.state === "running" && run.firstMs === null && (
        <p role="status" className="animate-pulse text-sm text-muted">
          {t("playground.thinking")}
        </p>
      )}
      {run.error && <ErrorPanel error={run.error} />}
      {run.state === "stopped" && <p className="text-sm text-muted">{t("playground.stopped")}</p>}
      {run.reason === "length" && <p className="text-sm text-warn">{t("playground.cut")}</p>}
    </div>
  );
}

function Numbers({ run, best }: { run: Run; best: Best }) {
  const { t } = useTranslation();
  const format = useFormat();
  const speed = speedOf(run);
  const none = "–";
  const numbers: [string, string, boolean][] = [
    [t("playground.first"), run.firstMs === null ? none : t("settings.milliseconds", { count: Math.round(run.firstMs) }), run.firstMs !== null && run.firstMs === best.firstMs],
    [t("playground.speed"), speed === null ? none : t("playground.aSecond", { speed: format.number(speed, speed < 10 ? 1 : 0) }), speed !== null && speed === best.speed],
    [
      t("playground.tokens"),
      run.promptTokens === null ? none : t("playground.inOut", { input: format.number(run.promptTokens), output: format.number(run.completionTokens ?? 0) }),
      false,
    ],
    [t("playground.cost"), run.usd === null ? none : format.usd(run.usd), run.usd !== null && run.usd === best.usd],
  ];
  return (
    <dl className="grid grid-cols-2 gap-x-3 gap-y-1 border-t border-line px-3 py-2 text-sm">
      {numbers.map(([name, value, isBest]) => (
        <div key={name} className="min-w-0">
          <dt className="truncate text-xs text-muted">{name}</dt>
          <dd className={cx("tabular-nums", isBest && "font-semibold text-good")}>
            {value}
            {isBest && <span className="sr-only"> ({t("playground.best")})</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}
