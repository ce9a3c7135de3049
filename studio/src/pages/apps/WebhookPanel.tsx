import { KeyRound, RefreshCw, TriangleAlert, Webhook } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { App, Trigger } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { CodeBlock } from "@/pages/apps/CodeBlock";
import { TriggerPanel } from "@/pages/apps/TriggerPanel";
import { useTrigger } from "@/pages/apps/useTrigger";
import { curlOf } from "@/pages/apps/webhook";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Confirm, Dialog, DialogActions } from "@/ui/Dialog";
import { Checkbox } from "@/ui/Field";

type Webhook = NonNullable<Trigger["webhook"]>;
type Asked = "secret" | "address" | "open";

/** A webhook: where it is called, with what, and who may. */
export function WebhookPanel({ app, trigger }: { app: App; trigger: Trigger }) {
  const { t } = useTranslation();
  const { webhook } = trigger;
  return (
    <TriggerPanel
      app={app}
      trigger={trigger}
      icon={Webhook}
      hint={webhook && t("triggers.takes", { method: webhook.method, type: webhook.content_type })}
    >
      {webhook && <Called app={app} trigger={trigger} webhook={webhook} />}
    </TriggerPanel>
  );
}

function Called({ app, trigger, webhook }: { app: App; trigger: Trigger; webhook: Webhook }) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Asked | null>(null);
  const { change, renewSecret, renewAddress } = useTrigger(app, trigger);
  const address = `${window.location.origin}${webhook.path}`;
  const done = { onSuccess: () => setAsked(null) };
  const act = {
    secret: () => renewSecret.mutate(undefined, done),
    address: () => renewAddress.mutate(undefined, done),
    open: () => change.mutate({ needs_secret: false }, done),
  };
  const error = change.error ?? renewSecret.error ?? renewAddress.error;
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <div className="flex min-w-0 grow basis-72 items-center gap-1 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
          <code className="min-w-0 grow font-mono text-sm break-all" aria-label={t("triggers.address")}>
            {address}
          </code>
          <Copy text={address} label={t("triggers.copyAddress")} doneLabel={t("common.copied")} />
        </div>
        <Button kind="quiet" icon={RefreshCw} onClick={() => setAsked("address")}>
          {t("triggers.renew")}
        </Button>
      </div>
      <div className="mt-4 flex flex-wrap items-center gap-x-4 gap-y-2">
        <Checkbox
          label={t("triggers.needsSecret")}
          checked={webhook.needs_secret}
          disabled={change.isPending}
          onChange={(event) => (event.target.checked ? change.mutate({ needs_secret: true }) : setAsked("open"))}
          className="grow"
        />
        {webhook.needs_secret && (
          <Button
            kind={webhook.has_secret ? "secondary" : "primary"}
            icon={KeyRound}
            busy={renewSecret.isPending}
            onClick={() => (webhook.has_secret ? setAsked("secret") : act.secret())}
          >
            {webhook.has_secret ? t("triggers.newSecret") : t("triggers.makeSecret")}
          </Button>
        )}
      </div>
      {webhook.needs_secret ? (
        <p className={webhook.has_secret ? "mt-1 text-sm text-muted" : "mt-2 flex gap-2 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn"}>
          {!webhook.has_secret && <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />}
          <span>{webhook.has_secret ? t("triggers.hasSecret") : t("triggers.noSecret")}</span>
        </p>
      ) : (
        <p className="mt-2 flex gap-2 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
          <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />
          <span>{t("triggers.isOpen")}</span>
        </p>
      )}
      {webhook.declared.length > 0 && (
        <ul className="mt-4 flex flex-wrap gap-1.5" aria-label={t("triggers.declared")}>
          {webhook.declared.map(({ where, name, type, required }) => (
            <li key={`${where} ${name}`} className="max-w-full rounded-sm bg-sunken px-2 py-0.5 text-sm">
              <span className="text-muted">{t(`triggers.where.${where}`)}</span>{" "}
              <code className="font-mono break-all">{name}</code>{" "}
              <span className="text-muted">
                {type}
                {required && ` · ${t("triggers.required")}`}
              </span>
            </li>
          ))}
        </ul>
      )}
      <h3 className="mt-4 mb-1.5 text-sm font-medium">{t("triggers.example")}</h3>
      <CodeBlock text={curlOf(webhook, window.location.origin)} label={t("common.copy")} />
      <p className="mt-2 text-sm text-muted">{t("triggers.exampleText")}</p>
      {error && !asked && (
        <div className="mt-4">
          <ErrorPanel error={error} />
        </div>
      )}
      <Confirm
        open={asked !== null}
        onClose={() => setAsked(null)}
        onConfirm={() => asked && act[asked]()}
        busy={renewSecret.isPending || renewAddress.isPending || change.isPending}
        title={t(`triggers.askTitle.${asked ?? "secret"}`)}
        text={t(`triggers.askText.${asked ?? "secret"}`)}
        confirmLabel={t(`triggers.askDo.${asked ?? "secret"}`)}
        cancelLabel={t("common.cancel")}
      >
        {error && (
          <div className="mt-4">
            <ErrorPanel error={error} />
          </div>
        )}
      </Confirm>
      <Dialog
        open={renewSecret.data !== undefined}
        onClose={renewSecret.reset}
        title={t("triggers.secret")}
        closeLabel={t("common.close")}
      >
        <p className="mb-3 rounded-md bg-warn-soft px-3 py-2 text-warn">{t("triggers.once")}</p>
        <div className="flex items-center gap-2 rounded-md border border-line bg-sunken py-1.5 pr-1.5 pl-3">
          <code className="grow font-mono text-sm break-all">{renewSecret.data?.secret}</code>
          <Copy text={renewSecret.data?.secret ?? ""} label={t("triggers.copySecret")} doneLabel={t("common.copied")} />
        </div>
        <p className="mt-3 text-sm text-muted">{t("triggers.secretUse")}</p>
        <DialogActions>
          <Button kind="primary" onClick={renewSecret.reset}>
            {t("triggers.kept")}
          </Button>
        </DialogActions>
      </Dialog>
    </>
  );
}
