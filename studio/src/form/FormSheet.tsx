import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";

import { FormFiles, type SentFile, type Upload } from "@/form/FormFiles";
import { type Asked, type FormInput, beginning, kindOf, labelOf, partsOf } from "@/form/asked";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button, type ButtonKind } from "@/ui/Button";
import { Choose, Field, TextArea } from "@/ui/Field";
import { Markdown } from "@/ui/Markdown";

const LOOKS: Record<string, ButtonKind> = { primary: "primary", accent: "primary", ghost: "quiet" };

interface FormSheetProps {
  asked: Asked;
  upload: Upload;
  busy: boolean;
  error: unknown;
  onAnswer: (action: string, inputs: Record<string, unknown>) => void;
}

/** A form as it was designed: its text with the fields where they stand, and its buttons. */
export function FormSheet({ asked, upload, busy, error, onAnswer }: FormSheetProps) {
  const { t } = useTranslation();
  const [pressed, setPressed] = useState("");
  const [values, setValues] = useState<Readonly<Record<string, string>>>(() =>
    Object.fromEntries(asked.inputs.map((input) => [input.output_variable_name, beginning(input, asked.defaults)])),
  );
  const [files, setFiles] = useState<Readonly<Record<string, readonly SentFile[]>>>({});
  const isSending = Object.values(files).some((list) => list.some((file) => file.id === null));
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const button = (event.nativeEvent as SubmitEvent).submitter as HTMLButtonElement | null;
    const action = button?.value ?? asked.actions[0]?.id ?? "";
    setPressed(action);
    const named = (name: string) =>
      (files[name] ?? []).map((file) => ({ type: kindOf(file.mediaType), transfer_method: "local_file", upload_file_id: file.id }));
    const valueOf = ({ type, output_variable_name: name }: FormInput): unknown =>
      type === "file" ? (named(name)[0] ?? null) : type === "file-list" ? named(name) : (values[name] ?? "");
    onAnswer(action, Object.fromEntries(asked.inputs.map((input) => [input.output_variable_name, valueOf(input)])));
  };
  const change = (name: string, value: string) => setValues((before) => ({ ...before, [name]: value }));
  const fieldOf = (input: FormInput) => {
    const name = input.output_variable_name;
    if (input.type === "file" || input.type === "file-list") {
      return (
        <FormFiles
          input={input}
          files={files[name] ?? []}
          upload={upload}
          onChange={(next) => setFiles((before) => ({ ...before, [name]: next(before[name] ?? []) }))}
        />
      );
    }
    return (
      <Field label={labelOf(input)}>
        {(ids) =>
          input.type === "select" ? (
            <Choose {...ids} required value={values[name]} onChange={(event) => change(name, event.target.value)}>
              <option value="" disabled>
                {t("humanForm.choose")}
              </option>
              {input.option_source?.value.map((option) => (
                <option key={option} value={option}>
                  {option}
                </option>
              ))}
            </Choose>
          ) : (
            <TextArea {...ids} rows={4} value={values[name]} onChange={(event) => change(name, event.target.value)} />
          )
        }
      </Field>
    );
  };
  return (
    <form onSubmit={send} className="flex flex-col gap-4">
      {partsOf(asked.content, asked.inputs).map((part, index) =>
        "text" in part ? (
          <Markdown key={index} text={part.text} copyLabel={t("common.copy")} copiedLabel={t("common.copied")} />
        ) : (
          <div key={part.input.output_variable_name}>{fieldOf(part.input)}</div>
        ),
      )}
      {error !== null && error !== undefined && <ErrorPanel error={error} />}
      <div className="flex flex-col gap-2 border-t border-line pt-4 sm:flex-row sm:flex-wrap">
        {asked.actions.map((action) => (
          <Button
            key={action.id}
            type="submit"
            value={action.id}
            kind={LOOKS[action.button_style] ?? "secondary"}
            busy={busy && pressed === action.id}
            disabled={busy || isSending}
            className="min-h-11 max-w-full sm:min-h-9"
          >
            <span className="truncate">{action.title || action.id}</span>
          </Button>
        ))}
      </div>
    </form>
  );
}
