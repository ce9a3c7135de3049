import { LoaderCircle, Paperclip, Upload as UploadIcon, X } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type FormInput, acceptOf, labelOf } from "@/form/asked";
import { useErrorText } from "@/frame/errorText";
import { Button, IconButton } from "@/ui/Button";

export interface SentFile {
  readonly key: string;
  readonly name: string;
  /** null while it is sent. */
  readonly id: string | null;
  readonly mediaType: string;
}

export type Upload = (file: File) => Promise<{ readonly id: string; readonly media_type: string }>;
type Next = (before: readonly SentFile[]) => readonly SentFile[];

interface FormFilesProps {
  input: FormInput;
  files: readonly SentFile[];
  upload: Upload;
  onChange: (next: Next) => void;
}

/** Files of a form; each is sent when it is chosen. */
export function FormFiles({ input, files, upload, onChange }: FormFilesProps) {
  const { t } = useTranslation();
  const textOf = useErrorText();
  const dialog = useRef<HTMLInputElement>(null);
  const [fault, setFault] = useState("");
  const most = input.type === "file" ? 1 : input.number_limits || Infinity;
  const take = (chosen: readonly File[]) => {
    setFault("");
    for (const file of chosen.slice(0, most - files.length)) {
      const key = crypto.randomUUID?.() ?? `${file.name}-${performance.now()}`;
      onChange((before) => [...before, { key, name: file.name, id: null, mediaType: file.type }]);
      upload(file).then(
        ({ id, media_type }) =>
          onChange((before) => before.map((one) => (one.key === key ? { ...one, id, mediaType: media_type } : one))),
        (error: unknown) => {
          onChange((before) => before.filter((one) => one.key !== key));
          setFault(textOf(error).message);
        },
      );
    }
  };
  return (
    <fieldset className="flex flex-col gap-2">
      <legend className="mb-1.5 text-sm font-medium">{labelOf(input)}</legend>
      {files.map((file) => (
        <div key={file.key} className="flex items-center gap-2 rounded-md border border-line bg-sunken px-3 py-1.5 text-base">
          {file.id === null ? (
            <LoaderCircle size={15} className="shrink-0 animate-spin text-muted" aria-label={t("humanForm.sending")} />
          ) : (
            <Paperclip size={15} className="shrink-0 text-muted" aria-hidden />
          )}
          <span className="min-w-0 grow truncate">{file.name}</span>
          <IconButton
            icon={X}
            size="small"
            label={t("humanForm.without", { name: file.name })}
            onClick={() => onChange((before) => before.filter((one) => one.key !== file.key))}
          />
        </div>
      ))}
      {files.length < most && (
        <div>
          <Button icon={UploadIcon} onClick={() => dialog.current?.click()}>
            {t("humanForm.addFile")}
          </Button>
          <input
            ref={dialog}
            type="file"
            hidden
            aria-label={labelOf(input)}
            multiple={most > 1}
            accept={acceptOf(input)}
            onChange={(event) => {
              take([...(event.target.files ?? [])]);
              event.target.value = "";
            }}
          />
        </div>
      )}
      {fault && (
        <p role="alert" className="text-sm text-bad">
          {fault}
        </p>
      )}
    </fieldset>
  );
}
