import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { type KeyboardEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";

import { composing } from "@/actions/keys";
import { models } from "@/api/queries";
import type { Draft } from "@/pages/settings/limits";
import { Button } from "@/ui/Button";
import { Checkbox, Field, Input } from "@/ui/Field";
import { Select } from "@/ui/Select";

interface LimitFieldsProps {
  draft: Draft;
  onChange: (draft: Draft) => void;
}

const PERIODS = ["month", "day"] as const;

/** Budget, models and speed of whoever it is for. */
export function LimitFields({ draft, onChange }: LimitFieldsProps) {
  const { t } = useTranslation();
  const set = (next: Partial<Draft>) => onChange({ ...draft, ...next });
  const whole = { type: "number", min: 0, step: 1, inputMode: "numeric", placeholder: t("limits.none") } as const;
  return (
    <div className="flex flex-col gap-4">
      <div className="grid grid-cols-[minmax(0,1fr)_auto] items-start gap-3">
        <Field label={t("limits.budget")} hint={t("limits.budgetText")}>
          {(ids) => (
            <Input
              {...ids}
              type="number"
              min={0}
              max={1_000_000_000}
              step="any"
              inputMode="decimal"
              placeholder={t("limits.none")}
              value={draft.budget}
              onChange={(event) => set({ budget: event.target.value })}
            />
          )}
        </Field>
        <Field label={t("limits.period")}>
          {({ id }) => (
            <Select
              id={id}
              label={t("limits.period")}
              value={draft.period}
              choices={PERIODS.map((value) => ({ value, label: t(`limits.per.${value}`) }))}
              onChange={(period) => set({ period })}
            />
          )}
        </Field>
      </div>
      <div className="grid gap-3 sm:grid-cols-2">
        <Field label={t("limits.requests")}>
          {(ids) => <Input {...ids} {...whole} max={10_000_000} value={draft.requests} onChange={(event) => set({ requests: event.target.value })} />}
        </Field>
        <Field label={t("limits.tokens")}>
          {(ids) => <Input {...ids} {...whole} max={10_000_000_000} value={draft.tokens} onChange={(event) => set({ tokens: event.target.value })} />}
        </Field>
      </div>
      <div>
        <Checkbox label={t("limits.someModels")} checked={draft.someModels} onChange={(event) => set({ someModels: event.target.checked })} />
        {draft.someModels && <ModelNames names={draft.models} onChange={(names) => set({ models: names })} />}
      </div>
    </div>
  );
}

function ModelNames({ names, onChange }: { names: readonly string[]; onChange: (names: readonly string[]) => void }) {
  const { t } = useTranslation();
  const id = useId();
  const { data: all } = useQuery(models);
  const [typed, setTyped] = useState("");
  const add = () => {
    const name = typed.trim();
    setTyped("");
    if (name && !names.includes(name)) onChange([...names, name]);
  };
  const press = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || composing(event)) return;
    event.preventDefault(); // not the form
    add();
  };
  const known = [...new Set((all ?? []).map((one) => one.id))].filter((one) => !names.includes(one));
  return (
    <div className="mt-2 ml-6.5 flex flex-col gap-2">
      {names.length > 0 && (
        <ul aria-label={t("limits.open")} className="flex flex-wrap gap-1.5">
          {names.map((name) => (
            <li key={name} className="flex min-w-0 items-center gap-1 rounded-md bg-accent-soft py-0.5 pr-1 pl-2 text-sm text-accent-ink">
              <span className="min-w-0 font-mono break-all">{name}</span>
              <button
                type="button"
                aria-label={t("limits.remove", { name })}
                onClick={() => onChange(names.filter((one) => one !== name))}
                className="inline-flex size-6 shrink-0 items-center justify-center rounded-sm hover:bg-surface"
              >
                <X size={13} aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="flex gap-2">
        <Input
          aria-label={t("limits.model")}
          placeholder={t("limits.model")}
          maxLength={300}
          list={`${id}-models`}
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onKeyDown={press}
          onBlur={add}
        />
        <datalist id={`${id}-models`}>
          {known.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <Button icon={Plus} onClick={add}>
          {t("limits.add")}
        </Button>
      </div>
      <p className="text-sm text-muted">{names.length === 0 ? t("limits.noModels") : t("limits.starText")}</p>
    </div>
  );
}
