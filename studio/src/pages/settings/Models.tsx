import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { CircleAlert, CircleCheck, Ellipsis, FileCog, Gauge, Pencil, Plug, Plus, Star, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type ConnectionState, api, body } from "@/api/client";
import { connections, doctor, models } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useErrorText } from "@/frame/errorText";
import { ConnectModel } from "@/pages/settings/ConnectModel";
import { FoundServers } from "@/pages/settings/FoundServers";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Menu } from "@/ui/Menu";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** Model servers: what is connected, what was found on this machine, and connecting more. */
export function Models() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(connections);
  const [open, setOpen] = useState(false);
  const [editing, setEditing] = useState<ConnectionState | null>(null); // null: a new one
  const [losing, setLosing] = useState<ConnectionState | null>(null);
  const edit = (state: ConnectionState | null) => {
    setEditing(state);
    setOpen(true);
  };
  return (
    <Page>
      <SettingsHead tab="models" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <div className="flex flex-col gap-4">
          <FoundServers kept={data?.map(({ connection }) => connection)} />
          <Panel
            title={t("models.servers")}
            hint={t("models.serversText")}
            flush
            actions={
              <Button kind="primary" icon={Plus} onClick={() => edit(null)}>
                {t("models.connect")}
              </Button>
            }
          >
            {!data && <SkeletonRows rows={3} label={t("common.loading")} />}
            {data && (
              <ul>
                {data.map((state) => (
                  <Server
                    key={state.connection.id}
                    state={state}
                    onEdit={() => edit(state)}
                    onLose={() => setLosing(state)}
                  />
                ))}
                <Base isDefault={!data.some(({ connection }) => connection.is_default)} />
              </ul>
            )}
            {data?.length === 0 && (
              <EmptyState icon={Plug} title={t("models.none")} text={t("models.noneText")}>
                <Button kind="primary" icon={Plus} onClick={() => edit(null)}>
                  {t("models.connect")}
                </Button>
              </EmptyState>
            )}
          </Panel>
        </div>
      )}
      <Dialog
        open={open}
        onClose={() => setOpen(false)}
        title={editing ? t("models.edit", { name: editing.connection.name }) : t("models.connect")}
        hint={editing ? undefined : t("models.connectText")}
        closeLabel={t("common.close")}
        wide
      >
        <ConnectModel connection={editing?.connection ?? null} isFirst={data?.length === 0} onClose={() => setOpen(false)} />
      </Dialog>
      <Disconnect state={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}

interface ServerProps {
  state: ConnectionState;
  onEdit: () => void;
  onLose: () => void;
}

function Server({ state: { connection, health }, onEdit, onLose }: ServerProps) {
  const { t } = useTranslation();
  const text = useErrorText();
  const client = useQueryClient();
  const { data: all } = useQuery(models);
  const served = all?.filter(({ server }) => server === connection.name).map(({ id }) => id);
  const path = { connection: connection.id };
  const prefer = useMutation({
    mutationFn: (is_default: boolean) =>
      body(api.PATCH("/models/connections/{connection}", { params: { path }, body: { is_default, untested: true } })),
    onSuccess: () => client.invalidateQueries({ queryKey: ["models"] }),
    onError: (error) => toast(text(error).message, { text: text(error).hint, bad: true }),
  });
  const test = useMutation({
    mutationFn: () =>
      body(
        api.POST("/models/connections/test", {
          body: { url: connection.url, model: connection.model, context_tokens: 8192, connection: connection.id },
        }),
      ),
    onSuccess: (report) => {
      toast(t("models.answered", { name: connection.name, count: report.first_ms }), { text: report.reply });
      void client.invalidateQueries({ queryKey: ["models"] });
    },
    onError: (error) => toast(text(error).message, { text: text(error).hint, bad: true }),
  });
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-3 last:border-b-0">
      {health.ok ? (
        <CircleCheck size={17} className="mt-0.5 shrink-0 text-good" aria-label={t("settings.well")} />
      ) : (
        <CircleAlert size={17} className="mt-0.5 shrink-0 text-bad" aria-label={t("settings.ill")} />
      )}
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium break-all">{connection.name}</span>
          {connection.is_default && (
            <Badge tone="accent" icon={Star}>
              {t("models.default")}
            </Badge>
          )}
        </p>
        <p className="font-mono text-sm break-all text-muted">{connection.url}</p>
        {health.ok ? (
          served && <p className="mt-0.5 text-sm break-words text-muted">{served.join(", ")}</p>
        ) : (
          <>
            <p className="mt-0.5 text-sm break-words text-muted" lang="en">
              {health.detail}
            </p>
            <p className="mt-1.5 rounded-md bg-bad-soft px-3 py-2 text-sm">{t("models.dead")}</p>
          </>
        )}
      </div>
      <Menu
        trigger={<IconButton icon={Ellipsis} label={t("models.actions", { name: connection.name })} className="-my-1" />}
        groups={[
          {
            items: [
              { id: "test", label: t("models.test"), icon: Gauge, run: () => test.mutate() },
              connection.is_default
                ? { id: "no", label: t("models.notDefault"), icon: Star, run: () => prefer.mutate(false) }
                : { id: "yes", label: t("models.makeDefault"), icon: Star, run: () => prefer.mutate(true) },
              { id: "edit", label: t("common.edit"), icon: Pencil, run: onEdit },
            ],
          },
          { items: [{ id: "lose", label: t("models.disconnect"), icon: Trash2, danger: true, run: onLose }] },
        ]}
      />
    </li>
  );
}

/** The organ of llmflow.yaml: the base that is always there. */
function Base({ isDefault }: { isDefault: boolean }) {
  const { t } = useTranslation();
  const { data } = useQuery(doctor);
  const organ = data?.organs.find(({ port }) => port === "llm");
  if (!organ) return null;
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-3 last:border-b-0">
      <FileCog size={17} className="mt-0.5 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium">{t("models.base")}</span>
          <code className="font-mono text-sm text-muted">{organ.use}</code>
          {isDefault && (
            <Badge tone="accent" icon={Star}>
              {t("models.default")}
            </Badge>
          )}
        </p>
        <p className="mt-0.5 text-sm break-words text-muted">{organ.health.detail || organ.health.where}</p>
        <p className="text-sm text-muted">{t("models.baseText")}</p>
      </div>
    </li>
  );
}

function Disconnect({ state, onClose }: { state: ConnectionState | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (connection: string) => api.DELETE("/models/connections/{connection}", { params: { path: { connection } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["models"] });
      toast(t("models.disconnected"));
      onClose();
    },
  });
  return (
    <ConfirmChange
      open={state !== null}
      onClose={onClose}
      onConfirm={() => state && lose.mutate(state.connection.id)}
      change={lose}
      title={t("models.disconnectAsk", { name: state?.connection.name ?? "" })}
      text={state?.connection.is_default ? t("models.disconnectDefaultText") : t("models.disconnectText")}
      confirmLabel={t("models.disconnect")}
    />
  );
}
