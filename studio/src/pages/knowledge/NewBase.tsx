import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { bases } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";

/** A new knowledge base, which is opened then. */
export function NewBase({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("knowledge.new")} hint={t("knowledge.newText")} closeLabel={t("common.close")}>
      <Form onClose={onClose} />
    </Dialog>
  );
}

function Form({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const make = useMutation({
    mutationFn: () => body(api.POST("/knowledge", { body: { name: name.trim(), description } })),
    onSuccess: async (base) => {
      await client.invalidateQueries({ queryKey: bases.queryKey });
      onClose();
      void go({ to: "/knowledge/$base", params: { base: base.id } });
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {make.error && <ErrorPanel error={make.error} />}
      <Field label={t("common.name")}>
        {(ids) => (
          <Input {...ids} required autoFocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label={t("common.description")} hint={t("common.optional")}>
        {(ids) => (
          <Input {...ids} maxLength={2000} value={description} onChange={(event) => setDescription(event.target.value)} />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          {t("common.create")}
        </Button>
      </DialogActions>
    </form>
  );
}
