import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { KeyRound, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type ApiKey, type KeyKind, api, body } from "@/api/client";
import { apps, keys } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { MadeKey } from "@/pages/settings/MadeKey";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Confirm, Dialog, DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";
import { toast } from "@/ui/Toasts";

const KINDS = ["app", "model", "dataset", "admin"] as const satisfies readonly KeyKind[];
export const TERMS = ["30d", "90d", "365d", "never"] as const;
export type Term = (typeof TERMS)[number];

export function Keys() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(keys);
  const { data: allApps } = useQuery(apps);
  const [making, setMaking] = useState(false);
  const [losing, setLosing] = useState<ApiKey | null>(null);
  const when = (time: number | null, none: string) => (
    <span className="whitespace-nowrap text-muted">{time === null ? none : format.ago(time)}</span>
  );
  const columns: Column<ApiKey>[] = [
    {
      id: "name",
      title: t("common.name"),
      className: "w-full",
      cell: (key) => (
        <>
          <p className="font-medium">{key.name || t("keys.unnamed")}</p>
          <code className="font-mono text-sm text-muted">{key.hint}…</code>
          <p className="text-sm text-muted md:hidden">
            {t("keys.used")}: {when(key.last_used_at, t("keys.unused"))}
          </p>
        </>
      ),
    },
    {
      id: "kind",
      title: t("keys.kind"),
      cell: (key) => {
        const app = allApps?.find(({ id }) => id === key.app_id);
        return (
          <Badge tone={key.kind === "admin" ? "warn" : "plain"}>
            {t(`keys.${key.kind}`)}
            {app && ` · ${app.name}`}
          </Badge>
        );
      },
    },
    { id: "used", title: t("keys.used"), wideOnly: true, cell: (key) => when(key.last_used_at, t("keys.unused")) },
    { id: "ends", title: t("keys.ends"), wideOnly: true, cell: (key) => when(key.expires_at, t("keys.term.never")) },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      cell: (key) => (
        <IconButton icon={Trash2} size="small" label={t("keys.revoke", { name: key.name || key.hint })} onClick={() => setLosing(key)} />
      ),
    },
  ];
  return (
    <Page>
      <SettingsHead tab="keys" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel
          title={t("settings.keys")}
          flush
          actions={
            <Button size="small" kind="primary" icon={Plus} onClick={() => setMaking(true)}>
              {t("keys.new")}
            </Button>
          }
        >
          {!data && <SkeletonRows label={t("common.loading")} />}
          {data && (
            <Table
              label={t("settings.keys")}
              columns={columns}
              rows={data}
              rowKey={({ id }) => id}
              empty={<EmptyState icon={KeyRound} title={t("keys.none")} text={t("keys.noneText")} />}
            />
          )}
        </Panel>
      )}
      <Dialog open={making} onClose={() => setMaking(false)} title={t("keys.new")} closeLabel={t("common.close")} wide>
        <NewKey onClose={() => setMaking(false)} />
      </Dialog>
      <LoseKey one={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}

function NewKey({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: allApps } = useQuery(apps);
  const [kind, setKind] = useState<KeyKind>("app");
  const [app, setApp] = useState("");
  const [name, setName] = useState("");
  const [term, setTerm] = useState<Term>("90d");
  const chosen = app || (allApps?.[0]?.id ?? "");
  const make = useMutation({
    mutationFn: () =>
      body(
        api.POST("/keys", {
          body: { kind, name, app: kind === "app" ? chosen : null, expires: term === "never" ? null : term },
        }),
      ),
    onSuccess: () => client.invalidateQueries({ queryKey: keys.queryKey }),
  });
  if (make.data) return <MadeKey kind={make.data.key.kind} token={make.data.token} onClose={onClose} />;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {make.error && <ErrorPanel error={make.error} />}
      <Field label={t("common.name")} hint={t("keys.nameText")}>
        {(ids) => <Input {...ids} autoFocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label={t("keys.kind")} hint={t(`keys.${kind}Text`)}>
        {({ id }) => (
          <Select
            id={id}
            label={t("keys.kind")}
            value={kind}
            choices={KINDS.map((value) => ({ value, label: t(`keys.${value}`), hint: t(`keys.${value}Text`) }))}
            onChange={setKind}
          />
        )}
      </Field>
      {kind === "app" && (
        <Field label={t("chat.app")}>
          {({ id }) => (
            <Select
              id={id}
              label={t("chat.app")}
              value={chosen}
              choices={(allApps ?? []).map((one) => ({ value: one.id, label: one.name }))}
              onChange={setApp}
            />
          )}
        </Field>
      )}
      <Field label={t("keys.ends")}>
        {({ id }) => (
          <Select
            id={id}
            label={t("keys.ends")}
            value={term}
            choices={TERMS.map((value) => ({ value, label: t(`keys.term.${value}`) }))}
            onChange={setTerm}
          />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          {t("common.create")}
        </Button>
      </DialogActions>
    </form>
  );
}

export function LoseKey({ one, onClose }: { one: ApiKey | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (key_id: string) => api.DELETE("/keys/{key_id}", { params: { path: { key_id } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: keys.queryKey });
      toast(t("keys.revoked"));
      onClose();
    },
  });
  return (
    <Confirm
      open={one !== null}
      onClose={onClose}
      onConfirm={() => one && lose.mutate(one.id)}
      busy={lose.isPending}
      title={t("keys.revoke", { name: one?.name || (one?.hint ?? "") })}
      text={t("keys.revokeText")}
      confirmLabel={t("keys.revokeNow")}
      cancelLabel={t("common.cancel")}
    >
      {lose.error && (
        <div className="mt-4">
          <ErrorPanel error={lose.error} />
        </div>
      )}
    </Confirm>
  );
}
