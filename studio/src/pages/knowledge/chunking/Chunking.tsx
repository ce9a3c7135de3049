import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { type CutDocument, chunkingOf, cutAgain, saveChunking } from "@/api/chunking";
import type { News } from "@/api/documents";
import { baseOf } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { ChunkingForm } from "@/pages/knowledge/chunking/ChunkingForm";
import { ChunkingPreview } from "@/pages/knowledge/chunking/ChunkingPreview";
import { wholeOf } from "@/pages/knowledge/chunking/cost";
import { type Draft, draftOf, faultsOf, isSame, ruleOf } from "@/pages/knowledge/chunking/rule";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { Progress } from "@/ui/Progress";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** How a base's documents are cut, with what one of them would be, and cutting all of them again. */
export function Chunking({ base, news }: { base: string; news: News | undefined }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(chunkingOf(base));
  const { data: about } = useQuery(baseOf(base));
  const [draft, setDraft] = useState<Draft | null>(null);
  useEffect(() => {
    if (data) setDraft((before) => before ?? draftOf(data));
  }, [data]);
  if (about?.base.pipeline_id) return null; // it cuts, not the base
  return (
    <Panel title={t("chunking.title")} hint={t("chunking.text")}>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!draft && !error && <SkeletonRows rows={6} label={t("common.loading")} />}
      {data && draft && <Cutting base={base} kept={draftOf(data)} draft={draft} onDraft={setDraft} news={news} />}
    </Panel>
  );
}

interface CuttingProps {
  base: string;
  kept: Draft;
  draft: Draft;
  onDraft: (draft: Draft) => void;
  news: News | undefined;
}

function Cutting({ base, kept, draft, onDraft, news }: CuttingProps) {
  const { t } = useTranslation();
  const may = useMay()("editor");
  const [seen, setSeen] = useState<CutDocument | null>(null);
  const [sure, setSure] = useState(false);
  const faults = faultsOf(draft);
  const isSound = Object.keys(faults).length === 0;
  const isChanged = !isSame(kept, draft);
  const { save, recut } = useChanges(base);
  const ready = news?.flow.counts.ready ?? 0;
  return (
    <div className="grid gap-x-8 gap-y-6 lg:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
      <form
        className="flex min-w-0 flex-col gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          if (isSound) save.mutate(draft);
        }}
      >
        <fieldset disabled={!may} className="contents">
          <ChunkingForm draft={draft} faults={faults} onChange={(changes) => onDraft({ ...draft, ...changes })} />
        </fieldset>
        {save.error && <ErrorPanel error={save.error} />}
        <UnderWay news={news} />
        {may && (
          <div className="sticky bottom-0 -mx-4 flex flex-wrap items-center gap-2 border-t border-line bg-surface px-4 py-3 lg:static lg:mx-0 lg:px-0">
            <Button kind="primary" type="submit" disabled={!isChanged || !isSound} busy={save.isPending}>
              {t("common.save")}
            </Button>
            <Button disabled={!isSound || ready === 0} onClick={() => setSure(true)}>
              {isChanged ? t("chunking.saveAndCut") : t("chunking.cut")}
            </Button>
            {isChanged && (
              <Button kind="quiet" onClick={() => onDraft(kept)}>
                {t("chunking.undo")}
              </Button>
            )}
            <p className="basis-full text-sm text-muted">{t("chunking.saveText")}</p>
          </div>
        )}
      </form>
      {may && <ChunkingPreview base={base} rule={ruleOf(draft)} isSound={isSound} isQuestions={draft.method === "qa"} onSeen={setSeen} />}
      <ConfirmChange
        open={sure}
        onClose={() => setSure(false)}
        onConfirm={() =>
          recut.mutate(isChanged ? draft : null, {
            onSuccess: ({ count }) => {
              setSure(false);
              toast(t("chunking.begun", { count }));
            },
          })
        }
        change={recut}
        title={t("chunking.cutAsk", { count: ready })}
        text={t("chunking.cutText")}
        confirmLabel={isChanged ? t("chunking.saveAndCut") : t("chunking.cut")}
      >
        <WholeCost seen={seen} />
      </ConfirmChange>
    </div>
  );
}

function useChanges(base: string) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: ["knowledge", base] });
  const save = useMutation({
    mutationFn: (draft: Draft) => saveChunking(base, ruleOf(draft)),
    onSuccess: async () => {
      await refresh();
      toast(t("chunking.saved"));
    },
  });
  const recut = useMutation({
    mutationFn: async (changed: Draft | null) => {
      if (changed) await saveChunking(base, ruleOf(changed));
      return cutAgain(base);
    },
    onSuccess: async () => {
      await refresh();
      await client.invalidateQueries({ queryKey: ["chunking"] });
    },
  });
  return { save, recut };
}

/** What cutting all documents again takes, reckoned from the one that is shown. */
function WholeCost({ seen }: { seen: CutDocument | null }) {
  const { t } = useTranslation();
  const format = useFormat();
  const whole = seen && wholeOf(seen);
  if (!whole) return null;
  const { calls, embedded, usd } = whole;
  return (
    <ul className="mt-3 list-disc pl-5 text-base">
      <li>{t("chunking.wholeEmbedded", { count: embedded })}</li>
      {calls > 0 && <li>{usd === null ? t("chunking.wholeCalls", { count: calls }) : t("chunking.wholeCallsUsd", { count: calls, usd: format.usd(usd) })}</li>}
    </ul>
  );
}

/** How far cutting again is, as long as documents are read. */
function UnderWay({ news }: { news: News | undefined }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { queued = 0, running = 0, ready = 0, failed = 0 } = news?.flow.counts ?? {};
  const all = queued + running + ready + failed;
  if (queued + running === 0) return null;
  const asked = news?.reading.filter(({ stage }) => stage === "ask") ?? [];
  const answered = asked.reduce((sum, { done }) => sum + done, 0);
  const parts = asked.reduce((sum, { total }) => sum + total, 0);
  return (
    <section aria-label={t("progress.title")} className="rounded-md border border-line bg-info-soft/50 p-3">
      <p className="flex flex-wrap gap-x-3 text-base">
        <span className="font-medium">{t("progress.done", { done: format.number(ready + failed), all: format.number(all) })}</span>
        {parts > 0 && <span className="text-muted tabular-nums">{t("chunking.asking", { done: format.number(answered), total: format.number(parts) })}</span>}
      </p>
      <Progress part={(ready + failed) / all} label={t("progress.title")} className="mt-2" />
    </section>
  );
}
