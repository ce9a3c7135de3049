import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Tags, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type CountedField, fieldsOf } from "@/api/fields";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Rename } from "@/frame/Rename";
import { useMay } from "@/frame/role";
import { NewField } from "@/pages/knowledge/fields/NewField";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** What documents of a base can say of themselves: make, rename, delete. */
export function FieldsPanel({ base }: { base: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay()("editor");
  const { data, error, refetch } = useQuery(fieldsOf(base));
  const [renaming, setRenaming] = useState<CountedField | null>(null);
  const [losing, setLosing] = useState<CountedField | null>(null);
  const path = (field_id: string) => ({ params: { path: { base, field_id } } });
  const again = () => client.invalidateQueries({ queryKey: ["knowledge", base] });
  const rename = useMutation({
    mutationFn: (name: string) =>
      body(api.PATCH("/knowledge/{base}/fields/{field_id}", { ...path(renaming?.field.id ?? ""), body: { name } })),
    onSuccess: async () => {
      setRenaming(null);
      await again();
    },
  });
  const lose = useMutation({
    mutationFn: (one: CountedField) => api.DELETE("/knowledge/{base}/fields/{field_id}", path(one.field.id)),
    onSuccess: async (_, { field }) => {
      toast(t("fields.deleted", { name: field.name }));
      setLosing(null);
      await again();
    },
  });
  return (
    <Panel title={t("fields.title")} hint={t("fields.text")} flush>
      {error && (
        <div className="p-4">
          <ErrorPanel error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {!data && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
      {data?.length === 0 && <EmptyState icon={Tags} title={t("fields.none")} text={may ? t("fields.noneText") : t("role.none")} />}
      <ul aria-label={t("fields.title")}>
        {data?.map((one) => (
          <li key={one.field.id} className="flex items-center gap-3 border-b border-line px-4 py-2">
            <p className="min-w-0 grow">
              <span className="font-medium break-words">{one.field.name}</span> <Badge>{t(`fields.types.${one.field.type}`)}</Badge>
              <span className="block text-sm text-muted">{t("fields.documents", { count: one.documents })}</span>
            </p>
            {may && (
              <span className="flex shrink-0">
                <IconButton icon={Pencil} size="small" label={t("fields.rename", { name: one.field.name })} onClick={() => setRenaming(one)} />
                <IconButton icon={Trash2} size="small" label={t("knowledge.delete", { name: one.field.name })} onClick={() => setLosing(one)} />
              </span>
            )}
          </li>
        ))}
      </ul>
      {may && data && (
        <div className="p-4">
          <NewField base={base} />
        </div>
      )}
      <Rename
        title={t("fields.rename", { name: renaming?.field.name ?? "" })}
        name={renaming?.field.name ?? null}
        most={255}
        change={rename}
        onRename={(name) => rename.mutate(name)}
        onClose={() => setRenaming(null)}
      />
      <ConfirmChange
        open={losing !== null}
        onClose={() => setLosing(null)}
        onConfirm={() => losing && lose.mutate(losing)}
        change={lose}
        title={t("knowledge.delete", { name: losing?.field.name ?? "" })}
        text={t("fields.deleteText", { count: losing?.documents ?? 0 })}
        confirmLabel={t("common.delete")}
      />
    </Panel>
  );
}
