import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronRight, Plus } from "lucide-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { modelServers, models } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { DeploymentFields, TargetFields } from "@/pages/models/DeploymentFields";
import { NameList } from "@/pages/models/NameList";
import { RouteFlow } from "@/pages/models/RouteFlow";
import { RouteRules } from "@/pages/models/RouteRules";
import { type Route, type ShownRoute, NEW_ROUTE, STRATEGIES, problemsOf } from "@/pages/models/route";
import { Button } from "@/ui/Button";
import { Checkbox, Field, Input } from "@/ui/Field";
import { Segments } from "@/ui/Segments";
import { toast } from "@/ui/Toasts";

interface EditRouteProps {
  /** none: a new one. */
  one: ShownRoute | undefined;
  taken: readonly string[];
  onClose: () => void;
}

/** A route, its picture changing as it is written. */
export function EditRoute({ one, taken, onClose }: EditRouteProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: servers } = useQuery(modelServers);
  const { data: served } = useQuery(models);
  const [name, setName] = useState(one?.name ?? "");
  const [route, setRoute] = useState<Route>(one ? (one.route as unknown as Route) : NEW_ROUTE);
  const [asked, setAsked] = useState(false);
  const set = (next: Partial<Route>) => setRoute({ ...route, ...next });
  const problems = problemsOf(name, route, one ? [] : taken);
  const keep = useMutation({
    mutationFn: () =>
      body(api.PUT("/models/routes/{name}", { params: { path: { name: name.trim() } }, body: route as unknown as Record<string, never> })),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["models"] });
      toast(t("routes.kept", { name: name.trim() }));
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setAsked(true);
    if (problems.length === 0) keep.mutate();
  };
  const known = (servers ?? []).map((server) => server.name);
  const others = [...new Set([...taken, ...(served ?? []).map(({ id }) => id)])].filter((other) => other !== name);
  return (
    <form onSubmit={submit} className="flex flex-col gap-5">
      <div className="rounded-lg border border-line bg-canvas p-3">
        <RouteFlow name={name} route={route} states={undefined} low />
      </div>
      {!one && (
        <Field label={t("routes.name")} hint={t("routes.nameText")}>
          {(ids) => <Input {...ids} autoFocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
      )}
      <fieldset className="flex flex-col gap-3">
        <legend className="mb-2 text-base font-semibold">{t("routes.deployments")}</legend>
        {route.deployments.map((target, index) => (
          <DeploymentFields
            key={index}
            number={index + 1}
            target={target}
            servers={known}
            models={served ?? []}
            canRemove={route.deployments.length > 1}
            onChange={(next) => set({ deployments: route.deployments.map((old, place) => (place === index ? next : old)) })}
            onRemove={() => set({ deployments: route.deployments.filter((_, place) => place !== index) })}
          />
        ))}
        <div>
          <Button size="small" icon={Plus} onClick={() => set({ deployments: [...route.deployments, { server: known[0] ?? "default", model: "", weight: 1, priority: 0 }] })}>
            {t("routes.addDeployment")}
          </Button>
        </div>
      </fieldset>
      <div className="flex flex-col items-start gap-2">
        <p className="text-sm font-medium">{t("routes.choose")}</p>
        <Segments
          label={t("routes.choose")}
          value={route.strategy}
          choices={STRATEGIES.map((value) => ({ value, label: t(`routes.strategy.${value}`) }))}
          onChange={(strategy) => set({ strategy })}
        />
        <p className="text-sm text-muted">{t(`routes.strategyText.${route.strategy}`)}</p>
        <Checkbox label={t("routes.sticky")} checked={route.sticky} onChange={(event) => set({ sticky: event.target.checked })} />
      </div>
      <NameList label={t("routes.fallbacks")} hint={t("routes.fallbacksText")} names={route.fallbacks} known={others} onChange={(fallbacks) => set({ fallbacks })} />
      <Field label={t("routes.contextFallback")} hint={t("routes.contextFallbackText")}>
        {(ids) => (
          <>
            <Input {...ids} list="route-models" maxLength={300} value={route.context_fallback} onChange={(event) => set({ context_fallback: event.target.value })} />
            <datalist id="route-models">
              {others.map((other) => (
                <option key={other} value={other} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      <fieldset className="flex flex-col gap-3">
        <Checkbox
          label={t("routes.shadow")}
          checked={route.shadow !== null}
          onChange={(event) => set({ shadow: event.target.checked ? { server: known[0] ?? "default", model: "", percent: 10 } : null })}
        />
        {route.shadow && (
          <div className="ml-6.5 grid gap-3 rounded-lg border border-line p-3 sm:grid-cols-[1fr_1fr_6rem]">
            <TargetFields target={route.shadow} servers={known} models={served ?? []} onChange={(next) => set({ shadow: route.shadow && { ...route.shadow, ...next } })} />
            <Field label={t("routes.percent")}>
              {(ids) => (
                <Input {...ids} type="number" min={0.1} max={100} step="any" value={route.shadow?.percent ?? 10} onChange={(event) => set({ shadow: route.shadow && { ...route.shadow, percent: Number(event.target.value) } })} />
              )}
            </Field>
          </div>
        )}
      </fieldset>
      <details className="group rounded-lg border border-line">
        <summary className="flex cursor-pointer list-none items-center gap-2 rounded-lg px-3 py-2.5 font-medium hover:bg-hover">
          <ChevronRight size={16} className="shrink-0 text-muted transition-transform group-open:rotate-90" aria-hidden />
          {t("routes.more")}
        </summary>
        <div className="border-t border-line p-3">
          <RouteRules route={route} onChange={set} />
        </div>
      </details>
      {asked && problems.length > 0 && (
        <ul role="alert" className="list-disc rounded-lg bg-bad-soft py-2.5 pr-4 pl-8 text-base">
          {problems.map((problem) => (
            <li key={problem}>{t(`routes.problem.${problem}`)}</li>
          ))}
        </ul>
      )}
      {keep.error && <ErrorPanel error={keep.error} />}
      <div className="flex flex-wrap justify-end gap-2">
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={keep.isPending}>
          {t("common.save")}
        </Button>
      </div>
    </form>
  );
}
