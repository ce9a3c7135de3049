import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Site } from "@/api/client";
import { CodeBlock } from "@/pages/apps/CodeBlock";
import { LinesField } from "@/pages/apps/LinesField";
import { POSITIONS, type SiteDraft, type TagOptions, originOf, tagOf } from "@/pages/apps/site";
import { Checkbox, Field } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";

const LANGUAGES = ["", "ko", "en"] as const;

interface EmbedPanelProps {
  site: Site | null;
  draft: SiteDraft;
  change: (some: Partial<SiteDraft>) => void;
}

/** Which sites may show the page within theirs, and the tag they paste. */
export function EmbedPanel({ site, draft, change }: EmbedPanelProps) {
  const { t } = useTranslation();
  const [options, setOptions] = useState<TagOptions>({ position: "right", language: "", open: false });
  const set = (some: Partial<TagOptions>) => setOptions((now) => ({ ...now, ...some }));
  const allowed = site?.is_on && site.settings.origins.length > 0;
  const languages = { "": t("publish.visitorsLanguage"), ko: t("language.ko"), en: t("language.en") };
  return (
    <Panel title={t("publish.embed")} hint={t("publish.embedText")}>
      <LinesField
        legend={t("publish.origins")}
        hint={t("publish.originsText")}
        lineLabel={(number) => t("publish.origin", { number })}
        addLabel={t("publish.originAdd")}
        placeholder="https://intranet.example.com"
        lines={draft.origins}
        most={50}
        maxLength={300}
        problem={(line) => (originOf(line) === null ? t("publish.originWrong") : "")}
        onChange={(origins) => change({ origins })}
      />
      {allowed ? (
        <div className="mt-5 border-t border-line pt-4">
          <h3 className="text-sm font-medium">{t("publish.tag")}</h3>
          <p className="mt-0.5 mb-2 text-sm text-muted">{t("publish.tagText")}</p>
          <CodeBlock text={tagOf(window.location.origin, site.code, options)} label={t("publish.copyTag")} />
          <div className="mt-3 flex flex-wrap items-end gap-3">
            <Field label={t("publish.position")}>
              {({ id }) => (
                <Select
                  id={id}
                  label={t("publish.position")}
                  value={options.position}
                  choices={POSITIONS.map((value) => ({ value, label: t(`publish.at.${value}`) }))}
                  onChange={(position) => set({ position })}
                />
              )}
            </Field>
            <Field label={t("language.choose")}>
              {({ id }) => (
                <Select
                  id={id}
                  label={t("language.choose")}
                  value={options.language}
                  choices={LANGUAGES.map((value) => ({ value, label: languages[value] }))}
                  onChange={(language) => set({ language })}
                />
              )}
            </Field>
            <Checkbox
              label={t("publish.startOpen")}
              checked={options.open}
              onChange={(event) => set({ open: event.target.checked })}
              className="h-9"
            />
          </div>
        </div>
      ) : (
        <p className="mt-4 text-sm text-muted">{t("publish.noTag")}</p>
      )}
    </Panel>
  );
}
