import { useMutation, useQueryClient } from "@tanstack/react-query";
import { EllipsisVertical, Gauge, Globe, KeyRound, Pencil, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type ExternalApi, externals } from "@/api/external";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { ChangeServer } from "@/pages/knowledge/external/ChangeServer";
import { TrialResult } from "@/pages/knowledge/external/TrialResult";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { toast } from "@/ui/Toasts";

/** Servers whose knowledge is asked: whether each is there, and what hangs on it. */
export function Servers({ servers, onConnect }: { servers: readonly ExternalApi[]; onConnect: (at: string) => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [changing, setChanging] = useState<ExternalApi | null>(null);
  const [losing, setLosing] = useState<ExternalApi | null>(null);
  const lose = useMutation({
    mutationFn: (one: ExternalApi) => api.DELETE("/external-knowledge/{api}", { params: { path: { api: one.id } } }),
    onSuccess: async (_, one) => {
      toast(t("knowledge.deleted", { name: one.name }));
      setLosing(null);
      await client.invalidateQueries({ queryKey: externals.queryKey });
    },
  });
  return (
    <>
      <ul aria-label={t("external.servers")}>
        {servers.map((one) => (
          <Server key={one.id} one={one} onConnect={() => onConnect(one.id)} onChange={() => setChanging(one)} onLose={() => setLosing(one)} />
        ))}
      </ul>
      <ChangeServer one={changing} onClose={() => setChanging(null)} />
      <ConfirmChange
        open={losing !== null}
        onClose={() => setLosing(null)}
        onConfirm={() => losing && lose.mutate(losing)}
        change={lose}
        blocked={(losing?.bases ?? 0) > 0}
        title={t("knowledge.delete", { name: losing?.name ?? "" })}
        text={losing?.bases ? t("external.inUse", { count: losing.bases }) : t("external.deleteText")}
        confirmLabel={t("common.delete")}
      />
    </>
  );
}

interface ServerProps {
  one: ExternalApi;
  onConnect: () => void;
  onChange: () => void;
  onLose: () => void;
}

function Server({ one, onConnect, onChange, onLose }: ServerProps) {
  const { t } = useTranslation();
  const may = useMay()("admin");
  const test = useMutation({
    mutationFn: () =>
      body(
        api.POST("/external-knowledge/{api}/try", {
          params: { path: { api: one.id } },
          body: { knowledge_id: "", query: t("external.testQuery") },
        }),
      ),
  });
  return (
    <li className="flex flex-col gap-3 border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2">
        <Globe size={18} aria-hidden className="shrink-0 text-muted" />
        <div className="min-w-0 grow basis-52">
          <p className="flex flex-wrap items-center gap-2 font-medium break-words">
            {one.name}
            {one.has_key ? <Badge icon={KeyRound}>{t("external.hasKey")}</Badge> : <Badge>{t("external.noKey")}</Badge>}
          </p>
          <p className="font-mono text-sm break-all text-muted">{one.url}</p>
          <p className="text-sm text-muted">{t("external.bases", { count: one.bases })}</p>
        </div>
        <span className="flex gap-1.5">
          <Button size="small" icon={Gauge} busy={test.isPending} onClick={() => test.mutate()}>
            {t("external.testShort")}
          </Button>
          <Menu
            trigger={<IconButton icon={EllipsisVertical} size="small" label={t("marks.more", { name: one.name })} />}
            groups={[
              { items: [{ id: "base", label: t("external.connect"), icon: Plus, run: onConnect }] },
              ...(may
                ? [
                    { items: [{ id: "change", label: t("common.edit"), icon: Pencil, run: onChange }] },
                    { items: [{ id: "lose", label: t("common.delete"), icon: Trash2, danger: true, run: onLose }] },
                  ]
                : []),
            ]}
          />
        </span>
      </div>
      {test.error && <ErrorPanel error={test.error} />}
      {test.data && <TrialResult tried={test.data} />}
    </li>
  );
}
