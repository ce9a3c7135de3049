import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Document, api, body } from "@/api/client";
import { type CountedField, fieldsOf } from "@/api/fields";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupsField } from "@/frame/GroupsField";
import { NewField } from "@/pages/knowledge/fields/NewField";
import { Button } from "@/ui/Button";
import { DialogActions, SidePanel } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

interface AboutDocumentProps {
  base: string;
  document: Document | null;
  onClose: () => void;
}

/** A document's name, what it says of itself, and who may see it. */
export function AboutDocument({ base, document, onClose }: AboutDocumentProps) {
  const { t } = useTranslation();
  const { data: fields, error, refetch } = useQuery({ ...fieldsOf(base), enabled: document !== null });
  return (
    <SidePanel open={document !== null} onClose={onClose} title={t("about.title")} hint={document?.name} closeLabel={t("common.close")}>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!fields && !error && <SkeletonRows label={t("common.loading")} />}
      {document && fields && <Form base={base} document={document} fields={fields} onClose={onClose} />}
    </SidePanel>
  );
}

/** A time as the browser's field takes it, in the reader's zone. */
const asLocal = (seconds: number): string => {
  const at = new Date(seconds * 1000);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};

const asTyped = ({ type }: CountedField["field"], value: unknown): string =>
  value == null ? "" : type === "time" && typeof value === "number" ? asLocal(value) : String(value);

interface FormProps {
  base: string;
  document: Document;
  fields: readonly CountedField[];
  onClose: () => void;
}

function Form({ base, document, fields, onClose }: FormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(document.name);
  const [groups, setGroups] = useState<readonly string[]>(document.groups);
  const [typed, setTyped] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(fields.map(({ field }) => [field.id, asTyped(field, document.metadata[field.id])])),
  );
  const save = useMutation({
    mutationFn: async () => {
      const metadata: Record<string, string | number> = {};
      for (const { field } of fields) {
        const value = typed[field.id] ?? "";
        if (value !== "") metadata[field.id] = field.type === "time" ? Math.floor(new Date(value).getTime() / 1000) : field.type === "number" ? Number(value) : value;
      }
      await body(api.PATCH("/documents/{document_id}", { params: { path: { document_id: document.id } }, body: { name, metadata } }));
      if (groups.join("\n") !== document.groups.join("\n")) {
        await body(api.POST("/knowledge/{base}/open", { params: { path: { base } }, body: { ids: [document.id], search: "", groups: [...groups] } }));
      }
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      await client.invalidateQueries({ queryKey: ["documents"] });
      toast(t("about.saved", { name }));
      onClose();
    },
  });
  return (
    <>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        {save.error && <ErrorPanel error={save.error} />}
        <Field label={t("common.name")}>
          {(ids) => <Input {...ids} required maxLength={500} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        {fields.map(({ field }) => (
          <Field key={field.id} label={field.name}>
            {(ids) => (
              <Input
                {...ids}
                type={field.type === "time" ? "datetime-local" : field.type === "number" ? "number" : "text"}
                step={field.type === "number" ? "any" : undefined}
                value={typed[field.id] ?? ""}
                onChange={(event) => setTyped({ ...typed, [field.id]: event.target.value })}
              />
            )}
          </Field>
        ))}
        <GroupsField label={t("about.groups")} hint={t("about.groupsText")} values={groups} onChange={setGroups} />
        <DialogActions>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" kind="primary" busy={save.isPending}>
            {t("common.save")}
          </Button>
        </DialogActions>
      </form>
      <section className="mt-6 flex flex-col gap-3 border-t border-line pt-4">
        <p className="text-sm text-muted">{t("fields.text")}</p>
        <NewField base={base} />
      </section>
    </>
  );
}
