import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type BaseWithCounts, api, body } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { TagsField } from "@/pages/knowledge/tags/TagsField";
import { tagBase } from "@/pages/knowledge/tags/tagging";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";

/** Another name, another description or other tags for a base. */
export function ChangeBase({ one, onClose }: { one: BaseWithCounts | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={one !== null} onClose={onClose} title={t("knowledge.change")} closeLabel={t("common.close")}>
      {one && <Form one={one} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ one, onClose }: { one: BaseWithCounts; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(one.base.name);
  const [description, setDescription] = useState(one.base.description);
  const [tags, setTags] = useState<readonly string[]>(one.tags.map((tag) => tag.name));
  const change = useMutation({
    mutationFn: async () => {
      await body(
        api.PATCH("/knowledge/{base}", {
          params: { path: { base: one.base.id } },
          body: { name: name.trim(), description: description.trim() },
        }),
      );
      await tagBase(one.base.id, tags);
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      onClose();
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      {change.error && <ErrorPanel error={change.error} />}
      <Field label={t("common.name")}>
        {(ids) => (
          <Input {...ids} value={name} maxLength={200} required onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label={t("common.description")} hint={t("common.optional")}>
        {(ids) => (
          <Input {...ids} value={description} maxLength={2000} onChange={(event) => setDescription(event.target.value)} />
        )}
      </Field>
      <TagsField values={tags} onChange={setTags} />
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={change.isPending} disabled={name.trim() === ""}>
          {t("knowledge.save")}
        </Button>
      </DialogActions>
    </form>
  );
}
