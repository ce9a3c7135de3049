import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Play } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type ManagedServer, api, body } from "@/api/client";
import { managed } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";

/** Starts a server with values of the reader's choice; what llmflow.yaml chose stands fast. */
export function StartServer({ server, onClose }: { server: ManagedServer; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const { name } = server.state;
  const [values, setValues] = useState<Record<string, string | number>>(server.state.chosen);
  const start = useMutation({
    mutationFn: () => {
      const pinned = Object.keys(server.pinned ?? {});
      const chosen = Object.fromEntries(Object.entries(values).filter(([key]) => !pinned.includes(key)));
      return body(api.POST("/organs/managed/{name}/start", { params: { path: { name } }, body: { chosen } }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: managed.queryKey });
      onClose();
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        start.mutate();
      }}
    >
      {server.choices.map((choice) => {
        const isPinned = server.pinned?.[choice.name] !== undefined;
        const isKnown = i18n.exists(`managed.choice.${choice.name}`);
        const label = isKnown ? t(`managed.choice.${choice.name}` as "managed.choice.model") : choice.name;
        const help = isKnown ? t(`managed.choiceHelp.${choice.name}` as "managed.choiceHelp.model") : choice.help;
        return (
          <Field
            key={choice.name}
            label={label}
            hint={isPinned ? t("managed.pinned") : help}
          >
            {(ids) => (
              <Input
                {...ids}
                type={typeof choice.default === "number" ? "number" : "text"}
                value={values[choice.name] ?? ""}
                placeholder={String(choice.default)}
                disabled={isPinned}
                list={choice.name === "model" ? "packaged-models" : undefined}
                spellCheck={false}
                onChange={({ target }) => setValues({ ...values, [choice.name]: target.value })}
              />
            )}
          </Field>
        );
      })}
      <datalist id="packaged-models">
        {server.models.map((model) => (
          <option key={model.name} value={model.name}>
            {model.about}
          </option>
        ))}
      </datalist>
      {start.error && <ErrorPanel error={start.error} />}
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button kind="primary" icon={Play} type="submit" busy={start.isPending}>
          {t("managed.start")}
        </Button>
      </DialogActions>
    </form>
  );
}
