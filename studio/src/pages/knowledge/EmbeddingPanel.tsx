import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { RefreshCw, Square } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import type { News } from "@/api/documents";
import { type Anew, type Embedded, embeddingOf, faultOf } from "@/api/sources";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Field } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { Progress } from "@/ui/Progress";
import { Select } from "@/ui/Select";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** Which model a base is embedded with, and embedding it with another while the index serves as it is. */
export function EmbeddingPanel({ base, news }: { base: string; news: News | undefined }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(embeddingOf(base));
  const anew = news ? news.anew : (data?.anew ?? null);
  const state = anew?.state;
  useEffect(() => {
    void client.invalidateQueries({ queryKey: ["knowledge", base, "embedding"] }); // it began, or the other one serves now
  }, [client, base, state]);
  return (
    <Panel title={t("embedding.title")} hint={t("embedding.text")}>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
      {data && (
        <div className="flex flex-col gap-4">
          <p className="flex flex-wrap items-center gap-2">
            <span className="text-muted">{t("embedding.now")}</span>
            <code className="font-mono break-all">{data.model || t("knowledge.modelLater")}</code>
            {data.model && (data.is_here ? <Badge tone="good">{t("embedding.serves")}</Badge> : <Badge tone="bad">{t("embedding.gone")}</Badge>)}
          </p>
          {!data.is_here && <p className="rounded-md bg-warn-soft px-3 py-2 text-warn">{t("embedding.goneText")}</p>}
          {anew ? <UnderWay base={base} anew={anew} rate={news?.flow.passages_per_s ?? 0} /> : data.model && <Begin base={base} embedded={data} />}
        </div>
      )}
    </Panel>
  );
}

function useBegin(base: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (model: string) => body(api.POST("/knowledge/{base}/embedding", { params: { path: { base } }, body: { model } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["knowledge", base] }),
  });
}

function Begin({ base, embedded }: { base: string; embedded: Embedded }) {
  const { t } = useTranslation();
  const may = useMay()("editor");
  const others = embedded.models.filter((model) => model !== embedded.model);
  const [chosen, setChosen] = useState("");
  const [sure, setSure] = useState(false);
  const begin = useBegin(base);
  const model = others.includes(chosen) ? chosen : (others[0] ?? "");
  if (!may) return null;
  if (others.length === 0) return <p className="text-muted">{t("embedding.noOther")}</p>;
  return (
    <>
      <div className="flex flex-wrap items-end gap-3">
        <Field label={t("embedding.other")}>
          {({ id }) => (
            <Select
              id={id}
              label={t("embedding.other")}
              value={model}
              choices={others.map((value) => ({ value, label: value, ...(value === embedded.wanted && { hint: t("embedding.organ") }) }))}
              onChange={setChosen}
              className="max-w-full"
            />
          )}
        </Field>
        <Button icon={RefreshCw} onClick={() => setSure(true)}>
          {t("embedding.begin")}
        </Button>
      </div>
      <p className="text-sm text-muted">{t("embedding.cost", { count: embedded.passages })}</p>
      <ConfirmChange
        open={sure}
        onClose={() => setSure(false)}
        onConfirm={() => begin.mutate(model, { onSuccess: () => setSure(false) })}
        change={begin}
        title={t("embedding.beginAsk", { model })}
        text={t("embedding.cost", { count: embedded.passages })}
        confirmLabel={t("embedding.begin")}
        harmless
      />
    </>
  );
}

function UnderWay({ base, anew, rate }: { base: string; anew: Anew; rate: number }) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const may = useMay()("editor");
  const begin = useBegin(base);
  const [stopping, setStopping] = useState(false);
  const stop = useMutation({
    mutationFn: () => body(api.DELETE("/knowledge/{base}/embedding", { params: { path: { base } } })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["knowledge", base] });
      setStopping(false);
      toast(t("embedding.stopped"));
    },
  });
  const left = anew.total - anew.done;
  const fault = faultOf(anew);
  return (
    <section aria-label={t("embedding.progress")} className="rounded-md border border-line p-3">
      <p className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
        <span className="font-medium break-all">{t(`embedding.state.${anew.state}`, { model: anew.model })}</span>
        <span className="ml-auto text-sm text-muted tabular-nums">
          {t("embedding.done", { done: format.number(anew.done), total: format.number(anew.total) })}
          {rate > 0 && ` · ${t("progress.rate", { rate: format.number(rate, rate < 10 ? 1 : 0) })}`}
          {rate > 0 && left > 0 && ` · ${left / rate < 60 ? t("progress.soon") : t("progress.left", { count: Math.ceil(left / rate / 60) })}`}
        </span>
      </p>
      <Progress part={anew.total > 0 ? anew.done / anew.total : null} label={t("embedding.progress")} className="mt-2" />
      {fault && (
        <div className="mt-3">
          <ErrorPanel error={fault} {...(anew.state === "failed" && may && { onRetry: () => begin.mutate(anew.model) })} />
        </div>
      )}
      {may && anew.state !== "switched" && (
        <p className="mt-3 flex justify-end">
          <Button size="small" icon={Square} onClick={() => setStopping(true)}>
            {t("embedding.stop")}
          </Button>
        </p>
      )}
      <ConfirmChange
        open={stopping}
        onClose={() => setStopping(false)}
        onConfirm={() => stop.mutate()}
        change={stop}
        title={t("embedding.stopAsk")}
        text={t("embedding.stopText", { count: anew.done })}
        confirmLabel={t("embedding.stop")}
      />
    </section>
  );
}
