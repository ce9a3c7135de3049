import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type ManagedServer, api } from "@/api/client";
import { managed } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { ManagedRow } from "@/pages/settings/ManagedRow";
import { ServerLog } from "@/pages/settings/ServerLog";
import { StartServer } from "@/pages/settings/StartServer";
import { Dialog } from "@/ui/Dialog";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** The servers that LLMFlow can install and run itself. */
export function ManagedServers() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(managed);
  const [starting, setStarting] = useState<string | null>(null);
  const [reading, setReading] = useState<string | null>(null);
  const [losing, setLosing] = useState<ManagedServer | null>(null);
  const of = (name: string | null) => data?.find(({ state }) => state.name === name);
  const chosen = of(starting);
  return (
    <>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel title={t("managed.title")} hint={t("managed.text")} flush>
          {!data && <SkeletonRows rows={2} label={t("common.loading")} />}
          {data && (
            <ul>
              {data.map((server) => (
                <ManagedRow
                  key={server.state.name}
                  server={server}
                  onChoose={() => setStarting(server.state.name)}
                  onRead={() => setReading(server.state.name)}
                  onLose={() => setLosing(server)}
                />
              ))}
            </ul>
          )}
        </Panel>
      )}
      <Dialog
        open={chosen !== undefined}
        onClose={() => setStarting(null)}
        title={t("managed.startWith", { name: chosen?.title ?? "" })}
        hint={t("managed.startWithText")}
        closeLabel={t("common.close")}
      >
        {chosen && <StartServer key={chosen.state.name} server={chosen} onClose={() => setStarting(null)} />}
      </Dialog>
      <ServerLog server={of(reading)} onClose={() => setReading(null)} />
      <Remove server={losing} onClose={() => setLosing(null)} />
    </>
  );
}

function Remove({ server, onClose }: { server: ManagedServer | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (name: string) => api.DELETE("/organs/managed/{name}", { params: { path: { name } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: managed.queryKey });
      toast(t("managed.removed", { name: server?.title ?? "" }));
      onClose();
    },
  });
  return (
    <ConfirmChange
      open={server !== null}
      onClose={onClose}
      onConfirm={() => server && lose.mutate(server.state.name)}
      change={lose}
      title={t("managed.removeAsk", { name: server?.title ?? "" })}
      text={t("managed.removeText")}
      confirmLabel={t("managed.remove")}
    />
  );
}
