import { useMutation, useQueryClient } from "@tanstack/react-query";
import { ArrowLeft, ScanSearch } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Preview, api, body } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { CredentialFields } from "@/pages/tools/CredentialFields";
import { Operations } from "@/pages/tools/Operations";
import { type Source, SourceFields, isGiven } from "@/pages/tools/SourceFields";
import { credentialOf, sent } from "@/pages/tools/credential";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { toast } from "@/ui/Toasts";

/** An OpenAPI document: given, looked at, then made tools. */
export function AddCollection({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [source, setSource] = useState<Source>({ by: "url", url: "", content: "", file: "" });
  const document = source.by === "url" ? { url: source.url.trim(), content: "" } : { url: "", content: source.content };
  const look = useMutation({ mutationFn: () => body(api.POST("/tools/collections/preview", { body: document })) });
  if (look.data) return <Keep document={document} preview={look.data} onBack={look.reset} onClose={onClose} />;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        look.mutate();
      }}
    >
      <SourceFields
        value={source}
        onChange={(next) => {
          look.reset();
          setSource(next);
        }}
      />
      {look.error && <ErrorPanel error={look.error} />}
      <DialogActions>
        <Button type="submit" kind="primary" icon={ScanSearch} busy={look.isPending} disabled={!isGiven(source)}>
          {t("tools.look")}
        </Button>
      </DialogActions>
    </form>
  );
}

interface KeepProps {
  document: { url: string; content: string };
  preview: Preview;
  onBack: () => void;
  onClose: () => void;
}

function Keep({ document, preview, onBack, onClose }: KeepProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(preview.title);
  const [address, setAddress] = useState(preview.base_url);
  const [credential, setCredential] = useState(() => credentialOf(preview.credential));
  const add = useMutation({
    mutationFn: () =>
      body(
        api.POST("/tools/collections", {
          body: { ...document, name: name.trim(), base_url: address.trim(), credential: sent(credential, false) },
        }),
      ),
    onSuccess: async ({ collection }) => {
      await client.invalidateQueries({ queryKey: ["tools"] });
      toast(t("tools.added", { name: collection.name, count: collection.tools }));
      onClose();
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        add.mutate();
      }}
    >
      <Operations preview={preview} />
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("common.name")} hint={t("tools.nameText")}>
          {(ids) => <Input {...ids} required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
        <Field label={t("tools.address")} hint={preview.base_url ? t("tools.addressText") : t("tools.addressNone")}>
          {(ids) => (
            <Input
              {...ids}
              type="url"
              inputMode="url"
              required
              maxLength={2000}
              spellCheck={false}
              placeholder="https://api.example.com"
              value={address}
              onChange={(event) => setAddress(event.target.value)}
              className="font-mono"
            />
          )}
        </Field>
      </div>
      <CredentialFields value={credential} onChange={setCredential} keeps={false} />
      {add.error && <ErrorPanel error={add.error} />}
      <DialogActions>
        <Button kind="quiet" icon={ArrowLeft} onClick={onBack}>
          {t("tools.back")}
        </Button>
        <Button type="submit" kind="primary" busy={add.isPending}>
          {t("tools.addNow", { count: preview.operations.length })}
        </Button>
      </DialogActions>
    </form>
  );
}
