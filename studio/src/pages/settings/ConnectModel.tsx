import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ChevronRight, CircleCheck, Gauge, ShieldAlert } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type ConnectionState, type TrialReport, api, body } from "@/api/client";
import { asApiError } from "@/api/errors";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { USUAL, nameOf } from "@/pages/settings/addresses";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Checkbox, Field, Input } from "@/ui/Field";
import { Secret } from "@/ui/Secret";
import { Select } from "@/ui/Select";
import { toast } from "@/ui/Toasts";

const CONTEXT = 8192;
/** What may be mended later, so that somebody may want to keep the connection all the same. */
const LATER: readonly string[] = ["model_unreachable", "model_timeout", "model_missing", "model_failed"];

interface ConnectModelProps {
  /** The one that is changed; null: a new one. */
  connection: ConnectionState["connection"] | null;
  isFirst: boolean;
  onClose: () => void;
}

/** Connects a model server, or changes a connection: tested before it is kept. */
export function ConnectModel({ connection, isFirst, onClose }: ConnectModelProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [url, setUrl] = useState(connection?.url ?? "");
  const [key, setKey] = useState("");
  const [name, setName] = useState(connection?.name ?? "");
  const [model, setModel] = useState(connection?.model ?? "");
  const [context, setContext] = useState(connection?.context_tokens ?? CONTEXT);
  const [isDefault, setDefault] = useState(connection?.is_default ?? isFirst);
  const keeps = connection?.has_key === true && url === connection.url; // a kept key goes to its own address only
  const server = { url, model, context_tokens: context, api_key: key || (keeps ? null : "") };
  const test = useMutation({
    mutationFn: () => body(api.POST("/models/connections/test", { body: { ...server, connection: connection?.id ?? null } })),
  });
  const keep = useMutation({
    mutationFn: (untested: boolean) => {
      const kept = { ...server, name: name.trim() || nameOf(url), is_default: isDefault, untested };
      return connection
        ? body(api.PATCH("/models/connections/{connection}", { params: { path: { connection: connection.id } }, body: kept }))
        : body(api.POST("/models/connections", { body: kept }));
    },
    onMutate: () => test.reset(),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ["models"] });
      toast(t(connection ? "models.changed" : "models.connected", { name: made.connection.name }));
      onClose();
    },
  });
  const change = (run: () => void) => {
    test.reset();
    keep.reset();
    run();
  };
  const error = keep.error ?? test.error;
  const listed = test.data?.models ?? [];
  const outcome = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (error || test.data) outcome.current?.scrollIntoView?.({ block: "nearest" });
  }, [error, test.data]);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        keep.mutate(false);
      }}
    >
      {!connection && (
        <div role="group" aria-label={t("models.usual")} className="flex flex-wrap gap-1.5">
          {USUAL.map((one) => (
            <Button key={one.name} size="small" onClick={() => change(() => setUrl(one.url))}>
              {one.name}
            </Button>
          ))}
        </div>
      )}
      <Field label={t("models.address")} hint={t("models.addressText")}>
        {(ids) => (
          <Input
            {...ids}
            type="url"
            inputMode="url"
            required
            autoFocus
            spellCheck={false}
            maxLength={2000}
            placeholder="http://127.0.0.1:8000/v1"
            value={url}
            onChange={(event) => change(() => setUrl(event.target.value))}
            className="font-mono"
          />
        )}
      </Field>
      <Field label={t("models.key")} hint={keeps ? t("models.keyKept") : connection?.has_key ? t("models.keyAnew") : t("models.keyText")}>
        {(ids) => (
          <Secret
            {...ids}
            autoComplete="off"
            maxLength={4000}
            value={key}
            onChange={(event) => change(() => setKey(event.target.value))}
            showLabel={t("session.show")}
            hideLabel={t("session.hide")}
            capsLabel={t("session.caps")}
          />
        )}
      </Field>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("common.name")} hint={t("models.nameText")}>
          {(ids) => (
            <Input
              {...ids}
              maxLength={100}
              placeholder={nameOf(url)}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        <Field label={t("models.model")} hint={t("models.modelText")}>
          {(ids) =>
            listed.length > 0 ? (
              <Select
                id={ids.id}
                label={t("models.model")}
                value={model}
                choices={[
                  { value: "", label: t("models.firstListed") },
                  ...listed.map(({ id }) => ({ value: id, label: id })),
                ]}
                onChange={(next) => setModel(next)}
              />
            ) : (
              <Input {...ids} maxLength={300} value={model} placeholder={t("models.firstListed")} onChange={(event) => change(() => setModel(event.target.value))} />
            )
          }
        </Field>
      </div>
      <details className="group">
        <summary className="inline-flex cursor-pointer list-none items-center gap-1 rounded-sm text-sm text-muted hover:text-ink">
          <ChevronRight size={14} className="transition-transform group-open:rotate-90" aria-hidden />
          {t("models.more")}
        </summary>
        <div className="mt-3 grid gap-4 sm:grid-cols-2">
          <Field label={t("models.context")} hint={t("models.contextText")}>
            {(ids) => (
              <Input
                {...ids}
                type="number"
                inputMode="numeric"
                required
                min={256}
                max={100_000_000}
                value={context}
                onChange={(event) => setContext(event.target.valueAsNumber || CONTEXT)}
              />
            )}
          </Field>
        </div>
      </details>
      <Checkbox label={t("models.useAsDefault")} checked={isDefault} onChange={(event) => setDefault(event.target.checked)} />
      <p className="flex items-start gap-2 text-sm text-muted">
        <ShieldAlert size={15} className="mt-0.5 shrink-0" aria-hidden />
        {t("models.trust")}
      </p>
      <div ref={outcome} className="empty:hidden">
        {error && <ErrorPanel error={error} />}
        {test.data && <Report report={test.data} />}
      </div>
      <DialogActions>
        {keep.error && LATER.includes(asApiError(keep.error).code) && (
          <Button kind="quiet" onClick={() => keep.mutate(true)}>
            {t("models.anyway")}
          </Button>
        )}
        <Button icon={Gauge} busy={test.isPending} onClick={(event) => event.currentTarget.form?.reportValidity() && test.mutate()}>
          {t("models.test")}
        </Button>
        <Button type="submit" kind="primary" busy={keep.isPending}>
          {connection ? t("common.save") : t("models.connectNow")}
        </Button>
      </DialogActions>
    </form>
  );
}

/** What the server did when it was tested. */
function Report({ report }: { report: TrialReport }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <div role="status" className="rounded-lg border border-line bg-good-soft px-4 py-3">
      <p className="flex items-center gap-2 font-medium text-good">
        <CircleCheck size={17} aria-hidden />
        {t("models.firstPiece", { model: report.model, count: report.first_ms })}
      </p>
      {report.reply && <p className="mt-1 line-clamp-3 break-words">“{report.reply}”</p>}
      <ul aria-label={t("models.listed", { count: report.models.length })} className="mt-2 flex max-h-32 flex-wrap gap-1.5 overflow-y-auto">
        {report.models.map((one) => (
          <li key={one.id} className="min-w-0">
            <Badge>
              {one.id} · {t("models.tokens", { count: one.context_tokens, shown: format.number(one.context_tokens) })}
              {one.vision && ` · ${t("models.vision")}`}
            </Badge>
          </li>
        ))}
      </ul>
    </div>
  );
}
