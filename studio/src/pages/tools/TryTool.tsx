import { useMutation } from "@tanstack/react-query";
import { Play, ShieldAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type ToolShown, type ToolTrial, api, body } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { providerOf } from "@/pages/tools/providers";
import { type ToolField, argumentsOf, fieldsOf, keyOf } from "@/pages/tools/schema";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { SidePanel } from "@/ui/Dialog";
import { Field, Input, TextArea } from "@/ui/Field";
import { Select } from "@/ui/Select";

/** Calls a tool with what is filled in, and shows what it answers. */
export function TryTool({ tool, onClose }: { tool: ToolShown | null; onClose: () => void }) {
  const { t, i18n } = useTranslation();
  const language = i18n.language === "ko" ? "ko" : "en";
  return (
    <SidePanel
      open={tool !== null}
      wide
      onClose={onClose}
      title={tool?.words[language].label ?? ""}
      hint={tool && providerOf(tool, t)}
      closeLabel={t("common.close")}
    >
      {tool && <Trial key={keyOf(tool)} tool={tool} language={language} />}
    </SidePanel>
  );
}

function Trial({ tool, language }: { tool: ToolShown; language: "en" | "ko" }) {
  const { t } = useTranslation();
  const fields = fieldsOf(tool, language);
  const [values, setValues] = useState<Record<string, string>>(() =>
    Object.fromEntries(fields.map(({ name, initial }) => [name, initial])),
  );
  const call = useMutation({
    mutationFn: () => {
      const { provider_type, provider_id, provider_name, tool_name } = tool;
      const ref = { provider_type, provider_id, provider_name, tool_name };
      return body(api.POST("/tools/try", { body: { ...ref, arguments: argumentsOf(values) } }));
    },
  });
  const about = tool.words[language].help || tool.description;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        call.mutate();
      }}
    >
      {about && <p className="break-words whitespace-pre-line text-muted">{about}</p>}
      {fields.map((field) => (
        <Argument
          key={field.name}
          field={field}
          value={values[field.name] ?? ""}
          onChange={(next) => setValues({ ...values, [field.name]: next })}
        />
      ))}
      {fields.length === 0 && <p className="text-muted">{t("tools.noParameters")}</p>}
      {!tool.is_safe && (
        <p className="flex items-start gap-2 text-sm text-muted">
          <ShieldAlert size={15} className="mt-0.5 shrink-0" aria-hidden />
          {t("tools.real")}
        </p>
      )}
      <div>
        <Button type="submit" kind="primary" icon={Play} busy={call.isPending}>
          {t("tools.call")}
        </Button>
      </div>
      {call.error && <ErrorPanel error={call.error} />}
      {call.data && <Outcome answer={call.data} />}
    </form>
  );
}

interface ArgumentProps {
  field: ToolField;
  value: string;
  onChange: (value: string) => void;
}

function Argument({ field, value, onChange }: ArgumentProps) {
  const { t } = useTranslation();
  const label = field.required ? field.label : `${field.label} (${t("common.optional")})`;
  const hint = field.kind === "json" ? `${field.hint} ${t("tools.asJson")}`.trim() : field.hint;
  return (
    <Field label={label} hint={hint || undefined}>
      {(ids) => {
        switch (field.kind) {
          case "choice":
            return (
              <Select
                id={ids.id}
                label={field.label}
                value={value}
                choices={[{ value: "", label: t("tools.unset") }, ...field.choices.map((one) => ({ value: one, label: one }))]}
                onChange={onChange}
              />
            );
          case "json":
            return (
              <TextArea
                {...ids}
                required={field.required}
                spellCheck={false}
                value={value}
                onChange={(event) => onChange(event.target.value)}
                className="font-mono text-sm"
              />
            );
          case "number":
            return (
              <Input
                {...ids}
                inputMode="decimal"
                required={field.required}
                value={value}
                onChange={(event) => onChange(event.target.value)}
              />
            );
          case "text":
            return (
              <TextArea
                {...ids}
                rows={1}
                required={field.required}
                value={value}
                onChange={(event) => onChange(event.target.value)}
                className="field-sizing-content max-h-72 min-h-9! py-1.5"
              />
            );
        }
      }}
    </Field>
  );
}

function Outcome({ answer }: { answer: ToolTrial }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [only] = answer.json;
  const text = answer.json.length === 1 && typeof only === "object" ? JSON.stringify(only, null, 2) : answer.text;
  return (
    <section aria-label={t("tools.answer")} role="status" className="flex flex-col gap-2">
      <h3 className="text-sm font-medium">{t("tools.answer")}</h3>
      {text && (
        <div className="relative rounded-md border border-line bg-sunken">
          <pre
            tabIndex={0}
            className="scroll-quiet max-h-96 overflow-auto py-3 pr-12 pl-4 font-mono text-sm leading-relaxed break-words whitespace-pre-wrap"
          >
            {text}
          </pre>
          <div className="absolute top-1.5 right-1.5 rounded-md bg-sunken">
            <Copy text={text} label={t("tools.copyAnswer")} doneLabel={t("common.copied")} />
          </div>
        </div>
      )}
      {answer.files.length > 0 && (
        <ul className="text-sm">
          {answer.files.map((file, index) => (
            <li key={index}>
              {String(file.filename ?? "")} · {String(file.mime_type ?? "")} · {format.bytes(Number(file.size ?? 0))}
            </li>
          ))}
        </ul>
      )}
      {!text && answer.files.length === 0 && <p className="text-muted">{t("tools.nothing")}</p>}
    </section>
  );
}
