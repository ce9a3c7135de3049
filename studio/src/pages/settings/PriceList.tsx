import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, RotateCcw, Search } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";
import { models, prices } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useErrorText } from "@/frame/errorText";
import { matches } from "@/frame/filter";
import { useFormat } from "@/i18n/format";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Field, Input } from "@/ui/Field";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

type Price = components["schemas"]["ModelPrice"];

/** What a million tokens of each model cost: the list that ships, and one's own prices, which come first. */
export function PriceList() {
  const { t } = useTranslation();
  const format = useFormat();
  const text = useErrorText();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(prices);
  const { data: served } = useQuery(models);
  const [typed, setTyped] = useState("");
  const [editing, setEditing] = useState<string | null>(null); // "": a model that is not in the list
  const reset = useMutation({
    mutationFn: (model: string) => api.DELETE("/prices/{model}", { params: { path: { model } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: prices.queryKey });
      toast(t("prices.reset"));
    },
    onError: (failure) => toast(text(failure).message, { text: text(failure).hint, bad: true }),
  });
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  const known = new Set(data.prices.map(({ model }) => model));
  const unpriced = [...new Set((served ?? []).map(({ id }) => id))].filter((id) => !known.has(id));
  const own = data.prices.filter(({ is_own }) => is_own);
  const shown = [...own, ...data.prices.filter(({ is_own }) => !is_own)].filter(({ model }) => matches(model, typed));
  return (
    <div className="flex flex-col gap-3">
      <div className="flex gap-2">
        <div className="relative grow">
          <Search size={15} className="absolute top-2.5 left-3 text-faint" aria-hidden />
          <Input type="search" aria-label={t("prices.search")} placeholder={t("prices.search")} value={typed} onChange={(event) => setTyped(event.target.value)} className="pl-9" />
        </div>
        <Button icon={Plus} onClick={() => setEditing("")}>
          {t("prices.add")}
        </Button>
      </div>
      {editing === "" && <EditPrice names={unpriced} onClose={() => setEditing(null)} />}
      <ul aria-label={t("prices.title")}>
        {shown.map((price) => (
          <li key={price.model} className="border-b border-line py-2.5 last:border-b-0">
            {editing === price.model ? (
              <EditPrice price={price} names={[]} onClose={() => setEditing(null)} />
            ) : (
              <div className="flex items-center gap-2">
                <div className="min-w-0 grow">
                  <p className="flex flex-wrap items-center gap-2 font-medium">
                    <span className="break-all">{price.model}</span>
                    {price.is_own && <Badge tone="accent">{t("prices.own")}</Badge>}
                  </p>
                  <p className="text-sm text-muted">{t("prices.line", { input: format.usd(price.input_usd), output: format.usd(price.output_usd) })}</p>
                </div>
                {price.is_own && <IconButton icon={RotateCcw} size="small" label={t("prices.resetOne", { name: price.model })} onClick={() => reset.mutate(price.model)} />}
                <IconButton icon={Pencil} size="small" label={t("prices.edit", { name: price.model })} onClick={() => setEditing(price.model)} />
              </div>
            )}
          </li>
        ))}
      </ul>
      {shown.length === 0 && <p className="py-6 text-center text-muted">{t("common.noMatch")}</p>}
      <p className="text-sm text-muted">{t("prices.asOf", { month: data.as_of })}</p>
    </div>
  );
}

function EditPrice({ price, names, onClose }: { price?: Price; names: readonly string[]; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [model, setModel] = useState(price?.model ?? names[0] ?? "");
  const [input, setInput] = useState(String(price?.input_usd ?? ""));
  const [output, setOutput] = useState(String(price?.output_usd ?? ""));
  const keep = useMutation({
    mutationFn: () =>
      body(
        api.PUT("/prices/{model}", {
          params: { path: { model: model.trim() } },
          body: { input_usd: Number(input), output_usd: Number(output || 0) },
        }),
      ),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: prices.queryKey });
      toast(t("prices.kept", { name: model.trim() }));
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    keep.mutate();
  };
  const amount = { type: "number", min: 0, max: 1_000_000, step: "any", inputMode: "decimal", required: true } as const;
  return (
    <form onSubmit={submit} className="flex flex-col gap-3 rounded-lg border border-line bg-canvas p-3">
      {keep.error && <ErrorPanel error={keep.error} />}
      {price ? (
        <p className="font-medium break-all">{price.model}</p>
      ) : (
        <Field label={t("prices.model")} hint={t("prices.modelText")}>
          {(ids) => (
            <>
              <Input {...ids} autoFocus required maxLength={300} list="unpriced-models" value={model} onChange={(event) => setModel(event.target.value)} />
              <datalist id="unpriced-models">
                {names.map((name) => (
                  <option key={name} value={name} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      )}
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t("prices.input")}>{(ids) => <Input {...ids} {...amount} autoFocus={price !== undefined} value={input} onChange={(event) => setInput(event.target.value)} />}</Field>
        <Field label={t("prices.output")}>{(ids) => <Input {...ids} {...amount} value={output} onChange={(event) => setOutput(event.target.value)} />}</Field>
      </div>
      <div className="flex justify-end gap-2">
        <Button size="small" onClick={onClose}>
          {t("common.cancel")}
        </Button>
        <Button size="small" type="submit" kind="primary" busy={keep.isPending}>
          {t("common.save")}
        </Button>
      </div>
    </form>
  );
}
