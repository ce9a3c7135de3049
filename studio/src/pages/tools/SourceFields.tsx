import { FileUp } from "lucide-react";
import { useRef } from "react";
import { useTranslation } from "react-i18next";

import { Button } from "@/ui/Button";
import { Field, Input, TextArea } from "@/ui/Field";
import { Segments } from "@/ui/Segments";

export interface Source {
  readonly by: "url" | "file" | "text";
  readonly url: string;
  readonly content: string;
  /** The name of the file that `content` came from. */
  readonly file: string;
}

export const isGiven = ({ by, url, content }: Source): boolean => (by === "url" ? url : content).trim() !== "";

interface SourceFieldsProps {
  value: Source;
  onChange: (value: Source) => void;
}

/** Where an OpenAPI document is: at an address, in a file, or in the clipboard. */
export function SourceFields({ value, onChange }: SourceFieldsProps) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <Segments
        label={t("tools.source")}
        value={value.by}
        choices={(["url", "file", "text"] as const).map((by) => ({ value: by, label: t(`tools.by.${by}`) }))}
        onChange={(by) => onChange({ ...value, by, content: "", file: "" })}
      />
      {value.by === "url" && (
        <Field label={t("tools.documentAddress")} hint={t("tools.documentAddressText")}>
          {(ids) => (
            <Input
              {...ids}
              type="url"
              inputMode="url"
              required
              autoFocus
              maxLength={2000}
              spellCheck={false}
              placeholder="https://api.example.com/openapi.json"
              value={value.url}
              onChange={(event) => onChange({ ...value, url: event.target.value })}
              className="font-mono"
            />
          )}
        </Field>
      )}
      {value.by === "file" && (
        <div className="flex flex-wrap items-center gap-3 rounded-md border border-dashed border-control px-4 py-5">
          <input
            ref={input}
            type="file"
            accept=".json,.yaml,.yml,application/json,application/yaml"
            aria-label={t("tools.chooseFile")}
            className="sr-only"
            tabIndex={-1}
            onChange={(event) => {
              const file = event.target.files?.[0];
              if (file) void file.text().then((content) => onChange({ ...value, content, file: file.name }));
            }}
          />
          <Button icon={FileUp} onClick={() => input.current?.click()}>
            {t("tools.chooseFile")}
          </Button>
          <p className="min-w-0 text-sm break-all text-muted">{value.file || t("tools.fileText")}</p>
        </div>
      )}
      {value.by === "text" && (
        <Field label={t("tools.documentText")} hint={t("tools.fileText")}>
          {(ids) => (
            <TextArea
              {...ids}
              required
              autoFocus
              rows={10}
              spellCheck={false}
              value={value.content}
              onChange={(event) => onChange({ ...value, content: event.target.value })}
              className="font-mono text-sm"
            />
          )}
        </Field>
      )}
    </>
  );
}
