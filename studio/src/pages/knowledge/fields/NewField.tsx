import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { FIELD_TYPES, type FieldType, fieldsOf } from "@/api/fields";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button } from "@/ui/Button";
import { Choose, Field, Input } from "@/ui/Field";

/** A further field that documents of a base can say something of. */
export function NewField({ base }: { base: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [type, setType] = useState<FieldType>("string");
  const make = useMutation({
    mutationFn: () => body(api.POST("/knowledge/{base}/fields", { params: { path: { base } }, body: { name: name.trim(), type } })),
    onSuccess: () => {
      setName("");
      return client.invalidateQueries({ queryKey: fieldsOf(base).queryKey });
    },
  });
  return (
    <form
      className="flex flex-col gap-3"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {make.error && <ErrorPanel error={make.error} />}
      <Field label={t("fields.new")}>
        {(ids) => (
          <div className="grid grid-cols-[1fr_auto] gap-2 sm:grid-cols-[1fr_8rem_auto]">
            <Input
              {...ids}
              required
              maxLength={255}
              placeholder={t("fields.placeholder")}
              value={name}
              onChange={(event) => setName(event.target.value)}
              className="col-span-2 sm:col-span-1"
            />
            <Choose aria-label={t("fields.type")} value={type} onChange={(event) => setType(event.target.value as FieldType)}>
              {FIELD_TYPES.map((one) => (
                <option key={one} value={one}>
                  {t(`fields.types.${one}`)}
                </option>
              ))}
            </Choose>
            <Button type="submit" icon={Plus} busy={make.isPending}>
              {t("fields.add")}
            </Button>
          </div>
        )}
      </Field>
    </form>
  );
}
