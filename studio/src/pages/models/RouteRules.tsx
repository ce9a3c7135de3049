import { useTranslation } from "react-i18next";

import { type Route, SCOPES } from "@/pages/models/route";
import { Checkbox, Choose, Field, Input } from "@/ui/Field";

/** What is seldom changed: tries, patience, kept answers. */
export function RouteRules({ route, onChange }: { route: Route; onChange: (next: Partial<Route>) => void }) {
  const { t } = useTranslation();
  const { timeouts, cache } = route;
  const number = (value: number, set: (value: number) => void, least = 0, most?: number) =>
    ({ type: "number", min: least, max: most, step: "any", value, onChange: (event: { target: { value: string } }) => set(Number(event.target.value)) }) as const;
  return (
    <div className="flex flex-col gap-4">
      <div className="grid items-end gap-3 sm:grid-cols-3">
        <Field label={t("routes.attempts")}>{(ids) => <Input {...ids} {...number(route.attempts, (attempts) => onChange({ attempts: Math.round(attempts) }), 1, 10)} />}</Field>
        <Field label={t("routes.firstS")}>{(ids) => <Input {...ids} {...number(timeouts.first_s, (first_s) => onChange({ timeouts: { ...timeouts, first_s } }))} />}</Field>
        <Field label={t("routes.betweenS")}>{(ids) => <Input {...ids} {...number(timeouts.between_s, (between_s) => onChange({ timeouts: { ...timeouts, between_s } }))} />}</Field>
      </div>
      <p className="-mt-2 text-sm text-muted">{t("routes.timeoutsText")}</p>
      <Checkbox
        label={t("routes.cache")}
        checked={cache !== null}
        onChange={(event) => onChange({ cache: event.target.checked ? { scope: "key", seconds: 300, most_temperature: 0 } : null })}
      />
      {cache && (
        <div className="ml-6.5 grid items-end gap-3 sm:grid-cols-3">
          <Field label={t("routes.cacheFor")}>
            {(ids) => (
              <Choose {...ids} value={cache.scope} onChange={(event) => onChange({ cache: { ...cache, scope: event.target.value as (typeof SCOPES)[number] } })}>
                {SCOPES.map((scope) => (
                  <option key={scope} value={scope}>
                    {t(`routes.scope.${scope}`)}
                  </option>
                ))}
              </Choose>
            )}
          </Field>
          <Field label={t("routes.cacheS")}>{(ids) => <Input {...ids} {...number(cache.seconds, (seconds) => onChange({ cache: { ...cache, seconds } }), 0.1)} />}</Field>
          <Field label={t("routes.cacheTemperature")}>{(ids) => <Input {...ids} {...number(cache.most_temperature, (most_temperature) => onChange({ cache: { ...cache, most_temperature } }))} />}</Field>
        </div>
      )}
    </div>
  );
}
