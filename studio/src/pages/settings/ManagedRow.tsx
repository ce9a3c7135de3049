import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Download, Ellipsis, Play, ScrollText, Server, SlidersHorizontal, Square, Trash2 } from "lucide-react";
import { useTranslation } from "react-i18next";

import { type ManagedServer, type ServerState, api, body } from "@/api/client";
import { managed } from "@/api/queries";
import { useErrorText } from "@/frame/errorText";
import { useFormat } from "@/i18n/format";
import { useServer } from "@/pages/settings/useServer";
import { Badge, type Tone } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { Progress } from "@/ui/Progress";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

const TONES: Readonly<Record<ServerState["state"], Tone>> = {
  absent: "plain",
  installing: "info",
  broken: "bad",
  outdated: "warn",
  stopped: "plain",
  starting: "info",
  running: "good",
  restarting: "warn",
  stopping: "info",
  failed: "bad",
};
const MB = 1024 * 1024;

interface ManagedRowProps {
  server: ManagedServer;
  onChoose: () => void;
  onRead: () => void;
  onLose: () => void;
}

/** One server: how it is, how much it takes, and the one thing most want to do with it now. */
export function ManagedRow({ server, onChoose, onRead, onLose }: ManagedRowProps) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const text = useErrorText();
  const client = useQueryClient();
  const { state } = server;
  useServer(state.name, state.state);
  const path = { name: state.name };
  const act = useMutation({
    mutationFn: (what: "install" | "start" | "stop") =>
      what === "start"
        ? body(api.POST("/organs/managed/{name}/start", { params: { path }, body: {} }))
        : body(api.POST(`/organs/managed/{name}/${what}`, { params: { path } })),
    onSuccess: (told) => {
      client.setQueryData(managed.queryKey, (all: ManagedServer[] | undefined) =>
        all?.map((one) => (one.state.name === state.name ? told : one)),
      );
      void client.invalidateQueries({ queryKey: ["models"], refetchType: "none" });
    },
    onError: (error) => toast(text(error).message, { text: text(error).hint, bad: true }),
  });
  const about = i18n.exists(`managed.about.${state.name}`) ? t(`managed.about.${state.name}` as "managed.about.vllm") : null;
  const isThere = !["absent", "installing", "broken", "outdated"].includes(state.state);
  const isUp = ["starting", "running", "restarting"].includes(state.state);
  const facts = [
    `${t("managed.version", { version: state.version })} (${state.build.toUpperCase()})`,
    state.port > 0 && `127.0.0.1:${state.port}`,
    state.memory_mb > 0
      ? t("managed.memory", { size: format.bytes(state.memory_mb * MB) })
      : t("managed.needsMemory", { size: format.bytes(server.needs_memory_mb * MB) }),
    state.disk_mb > 0
      ? t("managed.disk", { size: format.bytes(state.disk_mb * MB) })
      : t("managed.needsDisk", { size: format.bytes(server.needs_disk_mb * MB) }),
  ].filter(Boolean);
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-3.5 last:border-b-0">
      <Server size={17} className="mt-0.5 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1" role="status">
          <span className="font-medium">{server.title}</span>
          <Badge tone={TONES[state.state]}>{t(`managed.state.${state.state}`)}</Badge>
          {server.pinned && <Badge tone="accent">{t("managed.inUse")}</Badge>}
        </p>
        <p className="mt-0.5 text-sm text-muted" lang={about ? undefined : "en"}>
          {about ?? server.summary}
        </p>
        <p className="mt-1 flex flex-wrap gap-x-3 text-sm text-muted tabular-nums">
          {facts.map((fact) => (
            <span key={fact as string}>{fact}</span>
          ))}
        </p>
        {state.state === "running" && <Served state={state} />}
        {state.state === "installing" && <Installing state={state} />}
        {state.state === "starting" && <p className="mt-1.5 text-sm text-muted">{t("managed.startingText")}</p>}
        {state.reason && (
          <div className={cx("mt-2 rounded-md px-3 py-2 text-sm", TONES[state.state] === "bad" ? "bg-bad-soft" : "bg-warn-soft")}>
            <p>{t(`managed.why.${state.state}` as "managed.why.failed", { defaultValue: t("managed.why.failed") })}</p>
            <p className="mt-0.5 font-mono text-xs break-words text-muted" lang="en">
              {state.reason}
            </p>
          </div>
        )}
        <div className="mt-2.5 flex flex-wrap gap-2">
          {["absent", "broken", "outdated"].includes(state.state) && (
            <Button
              kind={state.state === "absent" ? undefined : "primary"}
              icon={Download}
              busy={act.isPending}
              onClick={() => act.mutate("install")}
            >
              {state.state === "absent" ? t("managed.install") : t("managed.installAgain")}
            </Button>
          )}
          {isThere && !isUp && (
            <Button
              kind="primary"
              icon={Play}
              busy={act.isPending || state.state === "stopping"}
              onClick={() => act.mutate("start")}
            >
              {t("managed.start")}
            </Button>
          )}
          {(isUp || state.state === "installing") && (
            <Button icon={Square} busy={act.isPending} onClick={() => act.mutate("stop")}>
              {state.state === "installing" ? t("managed.stopInstall") : t("managed.stop")}
            </Button>
          )}
        </div>
      </div>
      {state.state !== "absent" && (
        <Menu
          trigger={<IconButton icon={Ellipsis} label={t("managed.actions", { name: server.title })} className="-my-1" />}
          groups={[
            {
              items: [
                ...(isThere
                  ? [{ id: "choose", label: t("managed.choose"), icon: SlidersHorizontal, run: onChoose }]
                  : []),
                { id: "log", label: t("managed.log"), icon: ScrollText, run: onRead },
              ],
            },
            { items: [{ id: "lose", label: t("managed.remove"), icon: Trash2, danger: true, run: onLose }] },
          ]}
        />
      )}
    </li>
  );
}

function Served({ state }: { state: ServerState }) {
  const { t } = useTranslation();
  const names = [state.model, ...Object.keys(state.adapters)];
  return (
    <p className="mt-1.5 flex flex-wrap items-center gap-x-1.5 gap-y-1 text-sm text-muted">
      {t("managed.serves")}
      {names.map((name) => (
        <code key={name} className="rounded-sm bg-sunken px-1.5 font-mono text-sm break-all text-ink">
          {name}
        </code>
      ))}
    </p>
  );
}

function Installing({ state: { progress } }: { state: ServerState }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (!progress) return <Progress part={null} label={t("managed.state.installing")} className="mt-2.5" />;
  const { phase, step, steps, detail, done, total } = progress;
  const part = (step - 1 + (total > 0 ? done / total : 0)) / steps;
  const far = total === 0 ? "" : phase === "unpack" ? `${done} / ${total}` : `${format.bytes(done)} / ${format.bytes(total)}`;
  return (
    <div className="mt-2.5 flex flex-col gap-1.5">
      <Progress part={part} label={t("managed.state.installing")} />
      <p className="flex flex-wrap gap-x-2 text-sm text-muted tabular-nums">
        <span>{t("managed.step", { step, steps })}</span>
        <span>{t(`managed.phase.${phase}`)}</span>
        <span className="font-mono text-xs leading-5 break-all" lang="en">
          {detail}
        </span>
        <span>{far}</span>
      </p>
    </div>
  );
}
