import { useQuery } from "@tanstack/react-query";
import { Plus, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Said, Where } from "@/api/documents";
import { fieldsOf } from "@/api/fields";
import { isUnary } from "@/pages/knowledge/retrieval/rule";
import { Button, IconButton } from "@/ui/Button";
import { Choose, Input } from "@/ui/Field";
import { Segments } from "@/ui/Segments";

const BUILT_IN = { document_name: "string", uploader: "string", source: "string", upload_date: "time", last_update_date: "time" } as const;
type Kind = "string" | "number" | "time";
const OPERATORS: Record<Kind, readonly Said["operator"][]> = {
  string: ["is", "is not", "contains", "not contains", "start with", "end with", "empty", "not empty"],
  number: ["=", "≠", ">", "≥", "<", "≤", "empty", "not empty"],
  time: ["after", "before", "empty", "not empty"],
};
const TYPES = { string: "text", number: "number", time: "date" } as const;

interface WhereFormProps {
  base: string;
  where: Where;
  onChange: (where: Where) => void;
}

/** Which documents are searched, by what they say of themselves. */
export function WhereForm({ base, where, onChange }: WhereFormProps) {
  const { t } = useTranslation();
  const { data: fields } = useQuery(fieldsOf(base));
  const kinds: Readonly<Record<string, Kind>> = { ...BUILT_IN, ...Object.fromEntries((fields ?? []).map(({ field }) => [field.name, field.type])) };
  const { conditions } = where;
  const put = (index: number, changes: Partial<Said>) =>
    onChange({ ...where, conditions: conditions.map((one, at) => (at === index ? { ...one, ...changes } : one)) });
  const nameOf = (name: string) => (name in BUILT_IN ? t(`retrieval.field.${name as keyof typeof BUILT_IN}`) : name);
  return (
    <div className="flex flex-col gap-2 py-4">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 grow">
          <p className="text-sm font-medium">{t("retrieval.where")}</p>
          <p className="text-sm text-muted">{t("retrieval.whereText")}</p>
        </div>
        {conditions.length > 1 && (
          <Segments
            label={t("retrieval.join")}
            value={where.operator}
            choices={[
              { value: "and", label: t("retrieval.and") },
              { value: "or", label: t("retrieval.or") },
            ]}
            onChange={(operator) => onChange({ ...where, operator })}
          />
        )}
        <Button
          size="small"
          icon={Plus}
          onClick={() => onChange({ ...where, conditions: [...conditions, { name: "document_name", operator: "contains", value: "" }] })}
        >
          {t("retrieval.addCondition")}
        </Button>
      </div>
      {conditions.map((one, index) => {
        const kind = kinds[one.name] ?? "string";
        return (
          <div key={`${index}/${conditions.length}`} role="group" aria-label={t("retrieval.condition", { number: index + 1 })} className="flex flex-wrap items-center gap-2">
            <Choose
              aria-label={t("retrieval.fieldName")}
              value={one.name}
              onChange={(event) => {
                const name = event.target.value;
                const next = kinds[name] ?? "string";
                put(index, next === kind ? { name } : { name, operator: OPERATORS[next][0] ?? "is", value: "" });
              }}
              className="max-w-44"
            >
              {[...new Set([...Object.keys(kinds), one.name])].map((name) => (
                <option key={name} value={name}>
                  {nameOf(name)}
                </option>
              ))}
            </Choose>
            <Choose
              aria-label={t("retrieval.operatorName")}
              value={one.operator}
              onChange={(event) => put(index, { operator: event.target.value as Said["operator"] })}
              className="max-w-36"
            >
              {OPERATORS[kind].map((operator) => (
                <option key={operator} value={operator}>
                  {/^[a-z]/.test(operator) ? t(`retrieval.operator.${operator.replace(" ", "_") as "is"}`) : operator}
                </option>
              ))}
            </Choose>
            {!isUnary(one.operator) && (
              <Input
                key={`${one.name}/${String(one.value ?? "")}`}
                type={TYPES[kind]}
                step="any"
                aria-label={t("retrieval.valueName")}
                defaultValue={String(one.value ?? "")}
                onBlur={(event) => event.target.value !== one.value && put(index, { value: event.target.value })}
                onKeyDown={(event) => event.key === "Enter" && put(index, { value: event.currentTarget.value })}
                className="min-w-0 max-w-56 grow basis-32"
              />
            )}
            <IconButton
              icon={X}
              size="small"
              label={t("retrieval.dropCondition", { number: index + 1 })}
              onClick={() => onChange({ ...where, conditions: conditions.filter((_, at) => at !== index) })}
            />
          </div>
        );
      })}
    </div>
  );
}
