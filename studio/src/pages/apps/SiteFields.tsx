import { useTranslation } from "react-i18next";

import type { App } from "@/api/client";
import { LIMIT_NAMES, type SiteDraft, type SiteProblem } from "@/pages/apps/site";
import { Checkbox, Field, Input, TextArea } from "@/ui/Field";
import { Panel } from "@/ui/Panel";

interface SiteFieldsProps {
  draft: SiteDraft;
  change: (some: Partial<SiteDraft>) => void;
}

/** How the page greets its visitors. */
export function SiteLook({ app, draft, change }: SiteFieldsProps & { app: App }) {
  const { t } = useTranslation();
  return (
    <Panel title={t("publish.look")}>
      <div className="flex flex-col gap-4">
        <Field label={t("publish.title")}>
          {(ids) => (
            <Input
              {...ids}
              maxLength={200}
              placeholder={app.name}
              value={draft.title}
              onChange={(event) => change({ title: event.target.value })}
            />
          )}
        </Field>
        <Field label={t("publish.welcome")} hint={t("publish.welcomeText")}>
          {(ids) => (
            <TextArea
              {...ids}
              maxLength={10_000}
              placeholder={app.config.opening_statement}
              value={draft.welcome}
              onChange={(event) => change({ welcome: event.target.value })}
              className="field-sizing-content max-h-60 min-h-16"
            />
          )}
        </Field>
        <Checkbox
          label={t("publish.citations")}
          checked={draft.citations}
          onChange={(event) => change({ citations: event.target.checked })}
        />
      </div>
    </Panel>
  );
}

/** How much may be asked, and until when. */
export function SiteLimits({ draft, problems, change }: SiteFieldsProps & { problems: readonly SiteProblem[] }) {
  const { t } = useTranslation();
  return (
    <Panel title={t("publish.limits")} hint={t("publish.limitsText")}>
      <div className="grid gap-4 sm:grid-cols-3">
        {LIMIT_NAMES.map((name) => (
          <Field
            key={name}
            label={t(`publish.limit.${name}`)}
            {...(problems.includes(name) ? { error: t("publish.limitWrong") } : { hint: t(`publish.limitText.${name}`) })}
          >
            {(ids) => (
              <Input
                {...ids}
                inputMode="numeric"
                maxLength={6}
                value={draft[name]}
                onChange={(event) => change({ [name]: event.target.value })}
              />
            )}
          </Field>
        ))}
      </div>
      <div className="mt-4 max-w-60">
        <Field label={t("publish.lastDay")} hint={t("publish.lastDayText")}>
          {(ids) => (
            <Input
              {...ids}
              type="date"
              value={draft.lastDay}
              onChange={(event) => change({ lastDay: event.target.value })}
            />
          )}
        </Field>
      </div>
    </Panel>
  );
}
