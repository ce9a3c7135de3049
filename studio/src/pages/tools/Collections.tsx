import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Ellipsis, FileJson, KeyRound, Pencil, Plus, RefreshCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type CollectionShown, api, body } from "@/api/client";
import { collections } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useErrorText } from "@/frame/errorText";
import { useMay } from "@/frame/role";
import { EditCollection } from "@/pages/tools/EditCollection";
import { LoseCollection } from "@/pages/tools/LoseCollection";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Menu } from "@/ui/Menu";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** The OpenAPI documents that became tools. */
export function Collections({ onAdd }: { onAdd: () => void }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(collections);
  const [editing, setEditing] = useState<CollectionShown | null>(null);
  const [losing, setLosing] = useState<CollectionShown | null>(null);
  const may = useMay()("admin");
  return (
    <Panel title={t("tools.documents")} hint={t("tools.documentsText")} flush>
      {error && (
        <div className="p-4">
          <ErrorPanel error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {!data && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
      {data?.length === 0 && (
        <EmptyState icon={FileJson} title={t("tools.none")} text={may ? t("tools.noneText") : t("role.none")}>
          {may && (
            <Button icon={Plus} onClick={onAdd}>
              {t("tools.add")}
            </Button>
          )}
        </EmptyState>
      )}
      {data && data.length > 0 && (
        <ul aria-label={t("tools.documents")}>
          {data.map((one) => (
            <Row key={one.id} one={one} onEdit={() => setEditing(one)} onLose={() => setLosing(one)} />
          ))}
        </ul>
      )}
      <Dialog
        open={editing !== null}
        onClose={() => setEditing(null)}
        title={t("tools.edit", { name: editing?.name ?? "" })}
        closeLabel={t("common.close")}
        wide
      >
        {editing && <EditCollection collection={editing} onClose={() => setEditing(null)} />}
      </Dialog>
      <LoseCollection collection={losing} onClose={() => setLosing(null)} />
    </Panel>
  );
}

interface RowProps {
  one: CollectionShown;
  onEdit: () => void;
  onLose: () => void;
}

function Row({ one, onEdit, onLose }: RowProps) {
  const { t } = useTranslation();
  const text = useErrorText();
  const client = useQueryClient();
  const may = useMay()("admin");
  const reload = useMutation({
    mutationFn: () =>
      body(
        api.PATCH("/tools/collections/{collection}", {
          params: { path: { collection: one.id } },
          body: { url: "", content: "", reload: true },
        }),
      ),
    onSuccess: async ({ collection }) => {
      await client.invalidateQueries({ queryKey: ["tools"] });
      toast(t("tools.reloaded", { name: collection.name, count: collection.tools }));
    },
    onError: (error) => toast(text(error).message, { text: text(error).hint, bad: true }),
  });
  const again = one.source_url ? [{ id: "reload", label: t("tools.reload"), icon: RefreshCw, run: () => reload.mutate() }] : [];
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-3 last:border-b-0">
      <FileJson size={17} className="mt-0.5 shrink-0 text-muted" aria-hidden />
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium break-words">{one.name}</span>
          <Badge>{t("tools.count", { count: one.tools })}</Badge>
          {one.credential.has_secret ? (
            <Badge tone="good" icon={KeyRound}>
              {t(`tools.kind.${one.credential.kind as "api_key" | "bearer" | "basic"}`)}
            </Badge>
          ) : (
            one.credential.kind !== "none" && (
              <Badge tone="warn" icon={KeyRound}>
                {t("tools.noSecret")}
              </Badge>
            )
          )}
        </p>
        <p className="font-mono text-sm break-all text-muted">{one.base_url}</p>
        {one.description && <p className="line-clamp-2 text-sm break-words text-muted">{one.description}</p>}
      </div>
      {may && (
        <Menu
          trigger={<IconButton icon={Ellipsis} label={t("tools.actions", { name: one.name })} className="-my-1" />}
          groups={[
            { items: [{ id: "edit", label: t("common.edit"), icon: Pencil, run: onEdit }, ...again] },
            { items: [{ id: "lose", label: t("common.delete"), icon: Trash2, danger: true, run: onLose }] },
          ]}
        />
      )}
    </li>
  );
}
