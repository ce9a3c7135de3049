import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { groups as groupsThere } from "@/api/access";
import { api, body } from "@/api/client";
import { keys, members } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupsField } from "@/frame/GroupsField";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { toast } from "@/ui/Toasts";

export interface Grouped {
  readonly kind: "member" | "key";
  readonly id: string;
  readonly name: string;
  readonly groups: readonly string[];
}

/** The groups of a member or a key: whose documents they see beside those of everybody. */
export function GroupsOf({ of, onClose }: { of: Grouped | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={of !== null} onClose={onClose} title={t("groups.of", { name: of?.name ?? "" })} hint={t("groups.ofText")} closeLabel={t("common.close")}>
      {of && <Form of={of} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ of, onClose }: { of: Grouped; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [groups, setGroups] = useState(of.groups);
  const save = useMutation({
    mutationFn: async () => {
      const wanted = { groups: [...groups] };
      if (of.kind === "member") await body(api.PATCH("/members/{member}", { params: { path: { member: of.id } }, body: wanted }));
      else await body(api.PATCH("/keys/{key_id}", { params: { path: { key_id: of.id } }, body: wanted }));
    },
    onSuccess: async () => {
      toast(t("groups.saved", { name: of.name }));
      onClose();
      await Promise.all([members, keys, groupsThere].map(({ queryKey }) => client.invalidateQueries({ queryKey })));
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {save.error && <ErrorPanel error={save.error} />}
      <GroupsField label={t("groups.title")} hint={t("groups.howTo")} values={groups} onChange={setGroups} />
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t("common.save")}
        </Button>
      </DialogActions>
    </form>
  );
}
