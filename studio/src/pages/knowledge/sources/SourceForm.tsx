import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type Source, sourcesOf } from "@/api/sources";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { type Draft, EVERY, FIELDS, KINDS, draftOf, writtenOf } from "@/pages/knowledge/sources/place";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Choose, Field, Input, TextArea } from "@/ui/Field";
import { Secret } from "@/ui/Secret";
import { Segments } from "@/ui/Segments";
import { toast } from "@/ui/Toasts";

interface SourceFormProps {
  base: string;
  /** What is changed; null: a new one. */
  source: Source | null;
  onClose: () => void;
}

export function SourceForm({ base, source, onClose }: SourceFormProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [draft, setDraft] = useState<Draft>(() => draftOf(source));
  const save = useMutation({
    mutationFn: () => keep(base, source, draft),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: sourcesOf(base).queryKey });
      toast(t(source ? "sources.saved" : "sources.begun", { name: draft.name.trim() }));
      onClose();
    },
  });
  const write = (name: string, value: string) => setDraft({ ...draft, fields: { ...draft.fields, [name]: value } });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {save.error && <ErrorPanel error={save.error} />}
      {!source && (
        <div>
          <Segments
            label={t("sources.kindOf")}
            value={draft.kind}
            choices={KINDS.map((value) => ({ value, label: t(`sources.kind.${value}`) }))}
            onChange={(kind) => setDraft({ ...draft, kind, fields: {} })}
          />
          <p className="mt-2 text-sm text-muted">{t(`sources.kindText.${draft.kind}`)}</p>
        </div>
      )}
      <Field label={t("common.name")}>
        {(ids) => (
          <Input {...ids} required autoFocus maxLength={200} value={draft.name} onChange={(event) => setDraft({ ...draft, name: event.target.value })} />
        )}
      </Field>
      {FIELDS[draft.kind].map(({ name, list, optional, secret }) => (
        <Field
          key={name}
          label={t(`sources.field.${name as "path"}`)}
          hint={secret && source?.has_secret ? t("sources.secretKept") : optional && !list ? t("common.optional") : list ? t(`sources.hint.${name as "urls"}`) : undefined}
        >
          {(ids) =>
            list ? (
              <TextArea {...ids} rows={name === "urls" ? 6 : 2} required={!optional} value={draft.fields[name] ?? ""} onChange={(event) => write(name, event.target.value)} className="font-mono text-sm" />
            ) : secret ? (
              <Secret
                {...ids}
                autoComplete="off"
                value={draft.fields[name] ?? ""}
                onChange={(event) => write(name, event.target.value)}
                showLabel={t("session.show")}
                hideLabel={t("session.hide")}
                capsLabel={t("session.caps")}
              />
            ) : (
              <Input {...ids} required={!optional} value={draft.fields[name] ?? ""} onChange={(event) => write(name, event.target.value)} />
            )
          }
        </Field>
      ))}
      <Field label={t("sources.every")}>
        {(ids) => (
          <Choose {...ids} value={draft.every} onChange={(event) => setDraft({ ...draft, every: Number(event.target.value) })}>
            {[...new Set([...EVERY, draft.every])].map((minutes) => (
              <option key={minutes} value={minutes}>
                {minutes === 0 ? t("sources.byHand") : minutes % 1440 === 0 ? t("sources.days", { count: minutes / 1440 }) : minutes % 60 === 0 ? t("sources.hours", { count: minutes / 60 }) : t("sources.minutes", { count: minutes })}
              </option>
            ))}
          </Choose>
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t(source ? "common.save" : "sources.addNow")}
        </Button>
      </DialogActions>
    </form>
  );
}

/** A new one is looked into at once. */
async function keep(base: string, source: Source | null, draft: Draft): Promise<Source> {
  const { settings, secrets } = writtenOf(draft);
  const common = { name: draft.name.trim(), settings, every_minutes: draft.every };
  if (source) {
    const kept = Object.keys(secrets).length > 0 ? { ...common, secrets } : common;
    return await body(api.PATCH("/sources/{source_id}", { params: { path: { source_id: source.id } }, body: kept }));
  }
  const made = await body(api.POST("/knowledge/{base}/sources", { params: { path: { base } }, body: { ...common, kind: draft.kind, secrets } }));
  return await body(api.POST("/sources/{source_id}/synchronise", { params: { path: { source_id: made.id } } }));
}
