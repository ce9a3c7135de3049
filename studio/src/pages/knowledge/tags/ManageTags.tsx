import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Pencil, Plus, Tag as TagIcon, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type Tag, tags } from "@/api/tags";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Rename } from "@/frame/Rename";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

/** Every tag there is: make, rename, delete. */
export function ManageTags({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("tags.manage")} hint={t("tags.text")} closeLabel={t("common.close")}>
      {open && <List />}
    </Dialog>
  );
}

function List() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data, error, refetch } = useQuery(tags);
  const [name, setName] = useState("");
  const [renaming, setRenaming] = useState<Tag | null>(null);
  const [losing, setLosing] = useState<Tag | null>(null);
  const again = () => client.invalidateQueries({ queryKey: ["knowledge"] });
  const path = (tag_id: string) => ({ params: { path: { tag_id } } });
  const make = useMutation({
    mutationFn: () => body(api.POST("/knowledge-tags", { body: { name: name.trim() } })),
    onSuccess: () => {
      setName("");
      return again();
    },
  });
  const rename = useMutation({
    mutationFn: (to: string) => body(api.PATCH("/knowledge-tags/{tag_id}", { ...path(renaming?.id ?? ""), body: { name: to } })),
    onSuccess: async () => {
      setRenaming(null);
      await again();
    },
  });
  const lose = useMutation({
    mutationFn: (one: Tag) => api.DELETE("/knowledge-tags/{tag_id}", path(one.id)),
    onSuccess: async (_, one) => {
      toast(t("tags.deleted", { name: one.name }));
      setLosing(null);
      await again();
    },
  });
  return (
    <div className="flex flex-col gap-4">
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate();
        }}
      >
        {make.error && <ErrorPanel error={make.error} />}
        <Field label={t("tags.new")}>
          {(ids) => (
            <div className="flex gap-2">
              <Input
                {...ids}
                required
                maxLength={50}
                placeholder={t("tags.placeholder")}
                value={name}
                onChange={(event) => setName(event.target.value)}
              />
              <Button type="submit" icon={Plus} busy={make.isPending}>
                {t("common.create")}
              </Button>
            </div>
          )}
        </Field>
      </form>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
      {data?.length === 0 && <p className="text-muted">{t("tags.none")}</p>}
      {data && data.length > 0 && (
        <ul aria-label={t("tags.title")} className="rounded-lg border border-line">
          {data.map((one) => (
            <li key={one.id} className="flex items-center gap-2 border-b border-line py-1 pr-1 pl-3 last:border-b-0">
              <TagIcon size={14} aria-hidden className="shrink-0 text-muted" />
              <span className="min-w-0 grow break-words">
                {one.name} <span className="text-sm text-muted">{t("tags.bases", { count: one.bases })}</span>
              </span>
              <IconButton icon={Pencil} size="small" label={t("tags.rename", { name: one.name })} onClick={() => setRenaming(one)} />
              <IconButton icon={Trash2} size="small" label={t("knowledge.delete", { name: one.name })} onClick={() => setLosing(one)} />
            </li>
          ))}
        </ul>
      )}
      <Rename
        title={t("tags.rename", { name: renaming?.name ?? "" })}
        name={renaming?.name ?? null}
        most={50}
        change={rename}
        onRename={(to) => rename.mutate(to)}
        onClose={() => setRenaming(null)}
      />
      <ConfirmChange
        open={losing !== null}
        onClose={() => setLosing(null)}
        onConfirm={() => losing && lose.mutate(losing)}
        change={lose}
        title={t("knowledge.delete", { name: losing?.name ?? "" })}
        text={t("tags.deleteText", { count: losing?.bases ?? 0 })}
        confirmLabel={t("common.delete")}
      />
    </div>
  );
}
