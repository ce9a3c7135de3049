import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type App, type KeyKind, api, body } from "@/api/client";
import { apps, keys, quotas } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupsField } from "@/frame/GroupsField";
import { LimitFields } from "@/pages/settings/LimitFields";
import { MadeKey } from "@/pages/settings/MadeKey";
import { EMPTY, boundsOf } from "@/pages/settings/limits";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { Select } from "@/ui/Select";

const KINDS = ["app", "model", "dataset", "admin"] as const satisfies readonly KeyKind[];
const TERMS = ["30d", "90d", "365d", "never"] as const;
type Term = (typeof TERMS)[number];

interface NewKeyProps {
  /** The app it is for; none: that is asked, too. */
  of?: App;
  /** The kind it is of; none: that is asked. */
  only?: KeyKind;
  onClose: () => void;
}

export function NewKey({ of, only, onClose }: NewKeyProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: allApps } = useQuery(apps);
  const [kind, setKind] = useState<KeyKind>(only ?? "app");
  const [app, setApp] = useState(of?.id ?? "");
  const [name, setName] = useState("");
  const [term, setTerm] = useState<Term>("90d");
  const [limits, setLimits] = useState(EMPTY);
  const [groups, setGroups] = useState<readonly string[]>([]);
  const chosen = app || (allApps?.[0]?.id ?? "");
  const make = useMutation({
    mutationFn: () =>
      body(
        api.POST("/keys", {
          body: { kind, name, app: kind === "app" ? chosen : null, expires: term === "never" ? null : term, limits: kind === "admin" ? null : boundsOf(limits), groups: kind === "admin" ? [] : [...groups] },
        }),
      ),
    onSuccess: () => Promise.all([keys, quotas].map(({ queryKey }) => client.invalidateQueries({ queryKey }))),
  });
  if (make.data) return <MadeKey kind={make.data.key.kind} token={make.data.token} onClose={onClose} />;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {make.error && <ErrorPanel error={make.error} />}
      <Field label={t("common.name")} hint={t("keys.nameText")}>
        {(ids) => <Input {...ids} autoFocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      {!of && !only && (
        <Field label={t("keys.kind")} hint={t(`keys.${kind}Text`)}>
          {({ id }) => (
            <Select
              id={id}
              label={t("keys.kind")}
              value={kind}
              choices={KINDS.map((value) => ({ value, label: t(`keys.${value}`), hint: t(`keys.${value}Text`) }))}
              onChange={setKind}
            />
          )}
        </Field>
      )}
      {!of && kind === "app" && (
        <Field label={t("chat.app")}>
          {({ id }) => (
            <Select
              id={id}
              label={t("chat.app")}
              value={chosen}
              choices={(allApps ?? []).map((one) => ({ value: one.id, label: one.name }))}
              onChange={setApp}
            />
          )}
        </Field>
      )}
      <Field label={t("keys.ends")}>
        {({ id }) => (
          <Select
            id={id}
            label={t("keys.ends")}
            value={term}
            choices={TERMS.map((value) => ({ value, label: t(`keys.term.${value}`) }))}
            onChange={setTerm}
          />
        )}
      </Field>
      {kind !== "admin" && <GroupsField label={t("groups.title")} hint={t("groups.ofKey")} values={groups} onChange={setGroups} />}
      {kind !== "admin" && (
        <details className="group rounded-lg border border-line">
          <summary className="flex cursor-pointer list-none items-center gap-2 rounded-lg px-3 py-2.5 font-medium hover:bg-hover">
            <ChevronRight size={16} className="shrink-0 text-muted transition-transform group-open:rotate-90" aria-hidden />
            <span className="grow">{t("limits.ofKey")}</span>
            <span className="text-sm font-normal text-muted">{boundsOf(limits) ? t("limits.given") : t("limits.none")}</span>
          </summary>
          <div className="border-t border-line p-3">
            <LimitFields draft={limits} onChange={setLimits} />
          </div>
        </details>
      )}
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          {t("common.create")}
        </Button>
      </DialogActions>
    </form>
  );
}
