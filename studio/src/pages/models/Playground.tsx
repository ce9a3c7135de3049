import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { FlaskConical, Play, Plus, Square } from "lucide-react";
import { type FormEvent, type KeyboardEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { composing } from "@/actions/keys";
import { models } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { AnswerColumn } from "@/pages/models/AnswerColumn";
import { ModelsHead } from "@/pages/models/ModelsHead";
import { PlaygroundSettings } from "@/pages/models/PlaygroundSettings";
import { NO_SETTINGS, requestOf, wrongIn } from "@/pages/models/ask";
import { bestOf } from "@/pages/models/best";
import { useRuns } from "@/pages/models/useRuns";
import { Button, buttonLook } from "@/ui/Button";
import { TextArea } from "@/ui/Field";
import { Kbd } from "@/ui/Kbd";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, Skeleton } from "@/ui/States";
import { cx } from "@/ui/classes";

const MOST = 4;
const WIDTHS = ["", "lg:grid-cols-1", "md:grid-cols-2", "md:grid-cols-2 xl:grid-cols-3", "md:grid-cols-2 xl:grid-cols-4"] as const;

/** One question to up to four models at once: their words as they come, how fast, and what they cost. */
export function Playground() {
  const { t } = useTranslation();
  const may = useMay();
  const { data, error, refetch } = useQuery(models);
  const search = useSearch({ from: "/inside/models/playground" });
  const go = useNavigate({ from: "/models/playground" });
  const [settings, setSettings] = useState(NO_SETTINGS);
  const prompt = useRef<HTMLTextAreaElement>(null);
  const { runs, ask, stop, forget } = useRuns();
  const names = [...new Set((data ?? []).map(({ id }) => id))];
  const chosen = (search.models ?? "").split(",").filter(Boolean).slice(0, MOST);
  const columns = chosen.length > 0 ? chosen : names.slice(0, 1);
  const choose = (next: readonly string[]) => void go({ search: { models: next.join(",") }, replace: true });
  const wrong = wrongIn(settings);
  const running = columns.some((_, index) => runs.get(String(index))?.state === "running");
  const ready = settings.prompt.trim() !== "" && wrong.length === 0 && columns.length > 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (ready) columns.forEach((model, index) => ask(String(index), requestOf(settings, model)));
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || composing(event)) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit(); // looks at the fields, as the button does
  };
  const remove = (index: number) => {
    for (let at = index; at < columns.length; at++) forget(String(at));
    prompt.current?.focus(); // the button that was pressed goes
    choose(columns.filter((_, other) => other !== index));
  };
  const best = bestOf(columns.map((_, index) => runs.get(String(index))));
  return (
    <Page>
      <ModelsHead tab="playground" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && !data && <Skeleton className="h-64" />}
      {data?.length === 0 && (
        <Panel>
          <EmptyState icon={FlaskConical} title={t("playground.noModels")} text={t("playground.noModelsText")}>
            {may("admin") && (
              <Link to="/settings/models" className={buttonLook("primary")}>
                {t("models.connect")}
              </Link>
            )}
          </EmptyState>
        </Panel>
      )}
      {data && data.length > 0 && (
        <div className="flex flex-col gap-4">
          <form onSubmit={submit} className="rounded-lg border border-line bg-surface p-3">
            <TextArea
              ref={prompt}
              aria-label={t("playground.prompt")}
              placeholder={t("playground.prompt")}
              rows={3}
              value={settings.prompt}
              onChange={(event) => setSettings({ ...settings, prompt: event.target.value })}
              onKeyDown={press}
            />
            {settings.prompt === "" && (
              <div className="mt-2 flex flex-wrap gap-1.5">
                {(["one", "two", "three"] as const).map((example) => (
                  <Button key={example} size="small" kind="quiet" className="max-w-full whitespace-normal border-line text-left" onClick={() => setSettings({ ...settings, prompt: t(`playground.example.${example}`) })}>
                    <span className="truncate">{t(`playground.example.${example}`)}</span>
                  </Button>
                ))}
              </div>
            )}
            <PlaygroundSettings settings={settings} wrong={wrong} onChange={setSettings} />
            <div className="mt-3 flex flex-wrap items-center justify-end gap-2">
              {columns.length < MOST && (
                <Button icon={Plus} className="mr-auto" onClick={() => choose([...columns, names.find((name) => !columns.includes(name)) ?? names[0] ?? ""])}>
                  {t("playground.add")}
                </Button>
              )}
              {running && (
                <Button icon={Square} onClick={() => stop()}>
                  {t("playground.stopAll")}
                </Button>
              )}
              <Button type="submit" kind="primary" icon={Play} disabled={!ready}>
                {t("playground.run", { count: columns.length })}
              </Button>
              <span className="hidden sm:inline">
                <Kbd keys="mod+enter" />
              </span>
            </div>
          </form>
          <div className={cx("grid grid-cols-1 gap-3", WIDTHS[columns.length])}>
            {columns.map((model, index) => (
              <AnswerColumn
                key={index}
                number={index + 1}
                model={model}
                names={names.includes(model) ? names : [model, ...names]}
                run={runs.get(String(index))}
                best={best}
                settings={settings}
                onModel={(next) => {
                  forget(String(index));
                  choose(columns.map((one, other) => (other === index ? next : one)));
                }}
                onStop={() => stop(String(index))}
                onRemove={columns.length > 1 ? () => remove(index) : undefined}
              />
            ))}
          </div>
        </div>
      )}
    </Page>
  );
}
