import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Document, api, body } from "@/api/client";
import { type CountedField, fieldsOf } from "@/api/fields";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { wordsIn } from "@/pages/knowledge/passages/work";
import { Button } from "@/ui/Button";
import { DialogActions, SidePanel } from "@/ui/Dialog";
import { Choose, Field, Input } from "@/ui/Field";
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

const TYPES = ["string", "number", "time"] as const;

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
  const [groups, setGroups] = useState(document.groups.join(", "));
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
      if (wordsIn(groups).join() !== document.groups.join()) {
        await body(api.POST("/knowledge/{base}/open", { params: { path: { base } }, body: { ids: [document.id], search: "", groups: wordsIn(groups) } }));
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
        <Field label={t("about.groups")} hint={t("about.groupsText")}>
          {(ids) => <Input {...ids} value={groups} onChange={(event) => setGroups(event.target.value)} />}
        </Field>
        <DialogActions>
          <Button onClick={onClose}>{t("common.cancel")}</Button>
          <Button type="submit" kind="primary" busy={save.isPending}>
            {t("common.save")}
          </Button>
        </DialogActions>
      </form>
      <NewField base={base} />
    </>
  );
}

function NewField({ base }: { base: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [type, setType] = useState<(typeof TYPES)[number]>("string");
  const make = useMutation({
    mutationFn: () => body(api.POST("/knowledge/{base}/fields", { params: { path: { base } }, body: { name, type } })),
    onSuccess: () => {
      setName("");
      return client.invalidateQueries({ queryKey: fieldsOf(base).queryKey });
    },
  });
  return (
    <form
      className="mt-6 flex flex-col gap-3 border-t border-line pt-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      <p className="text-sm text-muted">{t("about.fieldText")}</p>
      {make.error && <ErrorPanel error={make.error} />}
      <div className="flex flex-wrap items-end gap-2">
        <div className="min-w-0 grow basis-32">
          <Field label={t("about.field")}>
            {(ids) => <Input {...ids} required maxLength={255} value={name} onChange={(event) => setName(event.target.value)} />}
          </Field>
        </div>
        <Choose aria-label={t("about.type")} value={type} onChange={(event) => setType(event.target.value as typeof type)} className="w-28">
          {TYPES.map((one) => (
            <option key={one} value={one}>
              {t(`about.types.${one}`)}
            </option>
          ))}
        </Choose>
        <Button type="submit" icon={Plus} busy={make.isPending}>
          {t("about.add")}
        </Button>
      </div>
    </form>
  );
}
