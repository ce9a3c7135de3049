import { Trash2 } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";

import type { components } from "@/api/schema";
import type { Target } from "@/pages/models/route";
import { IconButton } from "@/ui/Button";
import { Choose, Field, Input } from "@/ui/Field";

type Model = components["schemas"]["Model"];

interface TargetFieldsProps {
  target: { readonly server: string; readonly model: string };
  servers: readonly string[];
  models: readonly Model[];
  onChange: (next: { server: string; model: string }) => void;
}

/** A server and one of its models. */
export function TargetFields({ target, servers, models, onChange }: TargetFieldsProps) {
  const { t } = useTranslation();
  const id = useId();
  const { server, model } = target;
  const there = servers.includes(server);
  const its = models.filter((one) => one.server === server).map((one) => one.id);
  const unknown = model !== "" && its.length > 0 && !its.includes(model);
  return (
    <>
      <Field label={t("routes.server")} hint={there || servers.length === 0 ? undefined : t("routes.notConnected")}>
        {(ids) => (
          <Choose {...ids} value={server} onChange={(event) => onChange({ server: event.target.value, model: "" })}>
            {[...new Set([server, ...servers])].map((one) => (
              <option key={one} value={one}>
                {one === "default" ? t("routes.organ") : one}
              </option>
            ))}
          </Choose>
        )}
      </Field>
      <Field label={t("routes.model")} hint={unknown ? t("routes.notListed") : undefined}>
        {(ids) => (
          <>
            <Input {...ids} maxLength={300} list={`${id}-models`} placeholder={t("routes.itsDefault")} value={model} onChange={(event) => onChange({ server, model: event.target.value })} />
            <datalist id={`${id}-models`}>
              {its.map((one) => (
                <option key={one} value={one} />
              ))}
            </datalist>
          </>
        )}
      </Field>
    </>
  );
}

interface DeploymentFieldsProps {
  number: number;
  target: Target;
  servers: readonly string[];
  models: readonly Model[];
  canRemove: boolean;
  onChange: (target: Target) => void;
  onRemove: () => void;
}

export function DeploymentFields({ number, target, servers, models, canRemove, onChange, onRemove }: DeploymentFieldsProps) {
  const { t } = useTranslation();
  return (
    <div role="group" aria-label={t("routes.numbered", { number })} className="grid items-start gap-3 rounded-lg border border-line p-3 sm:grid-cols-[1fr_1fr_5rem_5rem_auto]">
      <TargetFields target={target} servers={servers} models={models} onChange={(next) => onChange({ ...target, ...next })} />
      <Field label={t("routes.weight")}>
        {(ids) => <Input {...ids} type="number" min={0} step="any" value={target.weight} onChange={(event) => onChange({ ...target, weight: Number(event.target.value) })} />}
      </Field>
      <Field label={t("routes.priority")}>
        {(ids) => <Input {...ids} type="number" step={1} value={target.priority} onChange={(event) => onChange({ ...target, priority: Math.round(Number(event.target.value)) })} />}
      </Field>
      <IconButton icon={Trash2} label={t("routes.removeDeployment", { number })} disabled={!canRemove} onClick={onRemove} className="sm:mt-6.5" />
    </div>
  );
}
