import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { apps, bases } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Checkbox, Field, Input, TextArea } from "@/ui/Field";
import { toast } from "@/ui/Toasts";

interface NewAppProps {
  open: boolean;
  onClose: () => void;
  /** Where the way goes from here: to talk to the new app, or to its settings. */
  then: "/chat/$app" | "/apps/$app";
}

/** The one way to make an app. */
export function NewApp({ open, onClose, then }: NewAppProps) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("apps.new")} hint={t("apps.newText")} closeLabel={t("common.close")}>
      <Form onClose={onClose} then={then} />
    </Dialog>
  );
}

function Form({ onClose, then }: Pick<NewAppProps, "onClose" | "then">) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const { data: all } = useQuery(bases);
  const [name, setName] = useState("");
  const [instruction, setInstruction] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const make = useMutation({
    mutationFn: () =>
      body(
        api.POST("/apps", {
          body: { name: name.trim(), description: "", knowledge: [...chosen], model: "", instruction, opening_statement: "" },
        }),
      ),
    onSuccess: async (app) => {
      await client.invalidateQueries({ queryKey: apps.queryKey });
      toast(t("apps.made", { name: app.name }));
      onClose();
      void go({ to: then, params: { app: app.id } });
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
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{t("nav.knowledge")}</legend>
        {all?.length === 0 && <p className="text-sm text-muted">{t("knowledge.none")}</p>}
        {all?.map(({ base }) => (
          <Checkbox
            key={base.id}
            label={base.name}
            checked={chosen.includes(base.id)}
            onChange={(event) =>
              setChosen(event.target.checked ? [...chosen, base.id] : chosen.filter((one) => one !== base.id))
            }
          />
        ))}
      </fieldset>
      <Field label={t("apps.instruction")} hint={t("apps.instructionText")}>
        {(ids) => <TextArea {...ids} value={instruction} onChange={(event) => setInstruction(event.target.value)} />}
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
