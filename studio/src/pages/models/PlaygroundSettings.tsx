import { ChevronRight } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Settings } from "@/pages/models/ask";
import { Field, Input, TextArea } from "@/ui/Field";

interface PlaygroundSettingsProps {
  settings: Settings;
  wrong: readonly ("schema" | "tools")[];
  onChange: (settings: Settings) => void;
}

/** System prompt, parameters, the answer's schema and tools: the same for all models. */
export function PlaygroundSettings({ settings, wrong, onChange }: PlaygroundSettingsProps) {
  const { t } = useTranslation();
  const set = (next: Partial<Settings>) => onChange({ ...settings, ...next });
  const given = Object.entries(settings).filter(([name, value]) => name !== "prompt" && value.trim() !== "").length;
  const number = (name: "temperature" | "topP" | "maxTokens" | "seed", step: number | "any", least: number, most?: number) => (
    <Field label={t(`playground.${name}`)}>
      {(ids) => (
        <Input {...ids} type="number" min={least} max={most} step={step} placeholder={t("playground.usual")} value={settings[name]} onChange={(event) => set({ [name]: event.target.value })} />
      )}
    </Field>
  );
  return (
    <details className="group mt-2">
      <summary className="flex w-fit cursor-pointer list-none items-center gap-1.5 rounded-md py-1 pr-2 text-sm font-medium text-muted hover:text-ink">
        <ChevronRight size={15} className="transition-transform group-open:rotate-90" aria-hidden />
        {t("playground.settings")}
        {given > 0 && <span className="rounded-sm bg-accent-soft px-1.5 text-xs text-accent-ink tabular-nums">{given}</span>}
      </summary>
      <div className="mt-2 flex flex-col gap-3">
        <Field label={t("playground.system")}>
          {(ids) => <TextArea {...ids} rows={2} value={settings.system} onChange={(event) => set({ system: event.target.value })} />}
        </Field>
        <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
          {number("temperature", "any", 0, 2)}
          {number("maxTokens", 1, 1)}
          {number("topP", "any", 0, 1)}
          {number("seed", 1, 0)}
        </div>
        <div className="grid gap-3 lg:grid-cols-2">
          {(["schema", "tools"] as const).map((name) => (
            <Field key={name} label={t(`playground.${name}`)} hint={t(`playground.${name}Text`)} error={wrong.includes(name) ? t(`playground.${name}Wrong`) : undefined}>
              {(ids) => <TextArea {...ids} rows={4} spellCheck={false} className="font-mono text-sm" value={settings[name]} onChange={(event) => set({ [name]: event.target.value })} />}
            </Field>
          ))}
        </div>
      </div>
    </details>
  );
}
