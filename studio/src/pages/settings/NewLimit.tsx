import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";

import { apps, keys, members, spentBy } from "@/api/queries";
import type { Limited } from "@/pages/settings/LimitPanel";
import type { QuotaState } from "@/pages/settings/limits";
import { spanOf } from "@/pages/settings/spend";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Choose, Field, Input } from "@/ui/Field";
import { Segments } from "@/ui/Segments";

const KINDS = ["key", "app", "account", "end_user", "group"] as const;
type Kind = (typeof KINDS)[number];

interface NewLimitProps {
  taken: readonly QuotaState[];
  onClose: () => void;
  onChosen: (one: Limited) => void;
}

/** Chooses whom limits are for. */
export function NewLimit({ taken, onClose, onChosen }: NewLimitProps) {
  const { t } = useTranslation();
  const [kind, setKind] = useState<Kind>("key");
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState("");
  const all = useChoices(kind);
  const free = all?.filter(({ id }) => !taken.some(({ subject, subject_id }) => subject === kind && subject_id === id));
  const one = free?.find(({ id }) => id === chosen) ?? free?.[0];
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (kind === "group") onChosen({ subject: kind, id: typed.trim(), name: typed.trim() });
    else if (one) onChosen({ subject: kind, ...one });
  };
  return (
    <form onSubmit={submit} className="flex flex-col gap-4">
      <Segments
        label={t("limits.who")}
        value={kind}
        choices={KINDS.map((value) => ({ value, label: t(`limits.subject.${value}`) }))}
        onChange={(value) => {
          setKind(value);
          setChosen("");
        }}
      />
      {kind === "group" ? (
        <Field label={t("limits.group")} hint={t("limits.about.group")}>
          {(ids) => <Input {...ids} required maxLength={200} value={typed} onChange={(event) => setTyped(event.target.value)} />}
        </Field>
      ) : free?.length === 0 ? (
        <p className="rounded-md bg-sunken px-3 py-2.5 text-muted">{all?.length ? t("limits.allTaken") : t(`limits.noneOf.${kind}`)}</p>
      ) : (
        <Field label={t(`limits.subject.${kind}`)} hint={t(`limits.about.${kind}`)}>
          {(ids) => (
            <Choose {...ids} value={one?.id ?? ""} onChange={(event) => setChosen(event.target.value)}>
              {(free ?? []).map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </Choose>
          )}
        </Field>
      )}
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" disabled={kind !== "group" && !one}>
          {t("limits.next")}
        </Button>
      </DialogActions>
    </form>
  );
}

/** Users of apps are those who asked in the last 90 days. */
function useChoices(kind: Kind): { id: string; name: string }[] | undefined {
  const span = spanOf("days90", Date.now());
  const allKeys = useQuery({ ...keys, enabled: kind === "key" }).data;
  const allApps = useQuery({ ...apps, enabled: kind === "app" }).data;
  const people = useQuery({ ...members, enabled: kind === "account" }).data;
  const users = useQuery({ ...spentBy(["end_user"], span.since, span.until), enabled: kind === "end_user" }).data;
  switch (kind) {
    case "key":
      return allKeys?.map(({ id, name, hint }) => ({ id, name: name || `${hint}…` }));
    case "app":
      return allApps?.map(({ id, name }) => ({ id, name }));
    case "account":
      return people?.map(({ id, name, email }) => ({ id, name: name ? `${name} (${email})` : email }));
    case "end_user":
      return users?.rows.flatMap((row) => (row.by.end_user && row.names.end_user ? [{ id: row.by.end_user, name: row.names.end_user }] : []));
    case "group":
      return [];
  }
}
