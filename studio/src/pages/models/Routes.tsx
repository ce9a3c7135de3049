import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { FileCog, Pencil, Plus, Server, Trash2, Waypoints } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api } from "@/api/client";
import { deploymentsOf, routes } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { Deployments } from "@/pages/models/Deployments";
import { EditRoute } from "@/pages/models/EditRoute";
import { ModelsHead } from "@/pages/models/ModelsHead";
import { RouteFlow } from "@/pages/models/RouteFlow";
import { RouteMarks } from "@/pages/models/RouteMarks";
import type { Route, ShownRoute } from "@/pages/models/route";
import { Badge } from "@/ui/Badge";
import { Button, IconButton, buttonLook } from "@/ui/Button";
import { SidePanel } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, Skeleton } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** What stands behind each model's name, drawn, and how all deployments do. */
export function Routes() {
  const { t } = useTranslation();
  const may = useMay();
  const { data, error, refetch } = useQuery(routes);
  const { edit } = useSearch({ from: "/inside/models" });
  const go = useNavigate({ from: "/models" });
  const [losing, setLosing] = useState<ShownRoute | null>(null);
  const open = (name: string | undefined) => void go({ search: { edit: name }, replace: true });
  const editing = data?.find(({ name }) => name === edit);
  const makeOne = (
    <Button kind="primary" icon={Plus} onClick={() => open("")}>
      {t("routes.new")}
    </Button>
  );
  return (
    <Page>
      <ModelsHead tab="routes" actions={may("admin") && data && data.length > 0 ? makeOne : undefined} />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && !data && (
        <div role="status" aria-label={t("common.loading")} className="flex flex-col gap-4">
          <Skeleton className="h-56" />
          <Skeleton className="h-56" />
        </div>
      )}
      {data && (
        <div className="flex flex-col gap-4">
          {data.length === 0 && (
            <Panel>
              <EmptyState icon={Waypoints} title={t("routes.none")} text={t("routes.noneText")}>
                {may("admin") && makeOne}
                {may("admin") && (
                  <Link to="/settings/models" className={buttonLook()}>
                    <Server size={15} aria-hidden />
                    {t("routes.toServers")}
                  </Link>
                )}
              </EmptyState>
            </Panel>
          )}
          {data.map((one) => (
            <OneRoute key={one.name} one={one} onEdit={may("admin") ? () => open(one.name) : undefined} onLose={() => setLosing(one)} />
          ))}
          <Deployments />
        </div>
      )}
      <SidePanel
        open={edit !== undefined && data !== undefined && may("admin")}
        onClose={() => open(undefined)}
        title={edit ? t("routes.edit", { name: edit }) : t("routes.new")}
        hint={t("routes.editText")}
        closeLabel={t("common.close")}
        wide
      >
        {data && <EditRoute key={edit} one={editing} taken={data.map(({ name }) => name)} onClose={() => open(undefined)} />}
      </SidePanel>
      <LoseRoute one={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}

function OneRoute({ one, onEdit, onLose }: { one: ShownRoute; onEdit?: () => void; onLose: () => void }) {
  const { t } = useTranslation();
  const { data: states } = useQuery(deploymentsOf(one.name));
  const route = one.route as unknown as Route;
  return (
    <Panel
      title={
        <span className="flex flex-wrap items-center gap-2">
          <span className="font-mono break-all">{one.name}</span>
          {one.is_fixed && (
            <Badge icon={FileCog}>llmflow.yaml</Badge>
          )}
        </span>
      }
      hint={<RouteMarks route={route} />}
      actions={
        onEdit &&
        !one.is_fixed && (
          <span className="flex">
            <IconButton icon={Pencil} size="small" label={t("routes.edit", { name: one.name })} onClick={onEdit} />
            <IconButton icon={Trash2} size="small" label={t("routes.remove", { name: one.name })} onClick={onLose} />
          </span>
        )
      }
    >
      <RouteFlow name={one.name} route={route} states={states} />
    </Panel>
  );
}

function LoseRoute({ one, onClose }: { one: ShownRoute | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (name: string) => api.DELETE("/models/routes/{name}", { params: { path: { name } } }),
    onSuccess: async (_, name) => {
      client.setQueryData(routes.queryKey, (all) => all?.filter((kept) => kept.name !== name)); // its states are asked no more
      await client.invalidateQueries({ queryKey: ["models"], predicate: ({ queryKey }) => queryKey[2] !== name });
      toast(t("routes.removed"));
      onClose();
    },
  });
  return (
    <ConfirmChange
      open={one !== null}
      onClose={onClose}
      onConfirm={() => one && lose.mutate(one.name)}
      change={lose}
      title={t("routes.removeAsk", { name: one?.name ?? "" })}
      text={t("routes.removeText")}
      confirmLabel={t("routes.removeNow")}
    />
  );
}
