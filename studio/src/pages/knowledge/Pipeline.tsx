import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Workflow } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type BasePipeline, type PipelineField, api, body } from "@/api/client";
import { pipelineOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Checkbox, Choose, Field, Input, TextArea } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/Toasts";

type Values = Readonly<Record<string, unknown>>;

/** Fields that only say where to fetch from are a data source's own: a document that is added is there already. */
function fieldsOf(pipeline: BasePipeline): PipelineField[] {
  const files = pipeline.starts.find(({ type }) => type === "local_file") ?? pipeline.starts[0];
  return files?.form.filter(({ type }) => !type.startsWith("file")) ?? [];
}

/** What reads the base's documents, and the form that is filled in for those that are added. */
export function Pipeline({ base, mayChange }: { base: string; mayChange: boolean }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(pipelineOf(base));
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return null;
  const fields = fieldsOf(data);
  return (
    <Panel
      className="mb-4"
      flush={fields.length === 0 || !mayChange}
      title={
        <span className="flex flex-wrap items-center gap-2">
          <Workflow size={16} aria-hidden className="shrink-0 text-muted" />
          <Link to="/apps/$app" params={{ app: data.app_id }} className="min-w-0 break-words hover:underline">
            {data.name}
          </Link>
          {!data.is_published && <Badge tone="warn">{t("pipeline.unpublished")}</Badge>}
        </span>
      }
      hint={data.is_published ? t("pipeline.text") : t("pipeline.unpublishedText")}
    >
      {mayChange && fields.length > 0 && (
        <details>
          <summary className="cursor-pointer text-base font-medium">{t("pipeline.inputs")}</summary>
          <Inputs key={JSON.stringify(data.inputs)} base={base} fields={fields} kept={data.inputs} />
        </details>
      )}
    </Panel>
  );
}

function Inputs({ base, fields, kept }: { base: string; fields: readonly PipelineField[]; kept: Values }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [values, setValues] = useState<Values>(kept);
  const valueOf = (field: PipelineField) => values[field.variable] ?? field.default;
  const save = useMutation({
    mutationFn: () => {
      const said = fields.filter((field) => valueOf(field) !== field.default && valueOf(field) !== "");
      const inputs = Object.fromEntries(said.map((field) => [field.variable, valueOf(field)]));
      return body(api.PUT("/knowledge/{base}/pipeline/inputs", { params: { path: { base } }, body: { inputs } }));
    },
    onSuccess: (found) => {
      client.setQueryData(pipelineOf(base).queryKey, found);
      toast(t("pipeline.saved"));
    },
  });
  return (
    <form
      className="mt-3 grid gap-4 sm:grid-cols-2"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <p className="text-sm text-muted sm:col-span-2">{t("pipeline.inputsText")}</p>
      {save.error && (
        <div className="sm:col-span-2">
          <ErrorPanel error={save.error} />
        </div>
      )}
      {fields.map((field) => (
        <OneInput
          key={field.variable}
          field={field}
          value={valueOf(field)}
          onChange={(value) => setValues((before) => ({ ...before, [field.variable]: value }))}
        />
      ))}
      <div className="sm:col-span-2">
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t("knowledge.save")}
        </Button>
      </div>
    </form>
  );
}

interface OneInputProps {
  field: PipelineField;
  value: unknown;
  onChange: (value: unknown) => void;
}

function OneInput({ field, value, onChange }: OneInputProps) {
  const shown = typeof value === "string" || typeof value === "number" ? String(value) : "";
  if (field.type === "checkbox") {
    return <Checkbox label={field.label} checked={value === true} onChange={(event) => onChange(event.target.checked)} />;
  }
  const most = field.max_length ? { maxLength: field.max_length } : {};
  return (
    <Field label={field.label} hint={field.description}>
      {(ids) => {
        const common = { ...ids, value: shown, required: field.required };
        if (field.type === "select") {
          return (
            <Choose {...common} onChange={(event) => onChange(event.target.value)}>
              {!field.required && <option value="" />}
              {field.options.map((option) => (
                <option key={option}>{option}</option>
              ))}
            </Choose>
          );
        }
        if (field.type === "paragraph") {
          return <TextArea {...common} {...most} onChange={(event) => onChange(event.target.value)} />;
        }
        if (field.type === "number") {
          const number = (text: string) => (text === "" ? "" : Number(text));
          return <Input {...common} type="number" step="any" onChange={(event) => onChange(number(event.target.value))} />;
        }
        return <Input {...common} {...most} onChange={(event) => onChange(event.target.value)} />;
      }}
    </Field>
  );
}
