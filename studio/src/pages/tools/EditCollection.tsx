import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type CollectionShown, api, body } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { CredentialFields } from "@/pages/tools/CredentialFields";
import { credentialOf, sent } from "@/pages/tools/credential";
import { Button } from "@/ui/Button";
import { DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { toast } from "@/ui/Toasts";

interface EditCollectionProps {
  collection: CollectionShown;
  onClose: () => void;
}

/** A collection's name, the address of its server, and its credential. */
export function EditCollection({ collection, onClose }: EditCollectionProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [name, setName] = useState(collection.name);
  const [address, setAddress] = useState(collection.base_url);
  const [credential, setCredential] = useState(() => credentialOf(collection.credential));
  const stays = originOf(address) === originOf(collection.base_url); // a kept secret goes to its own server only
  const keeps = collection.credential.has_secret && credential.kind === collection.credential.kind && stays;
  const save = useMutation({
    mutationFn: () =>
      body(
        api.PATCH("/tools/collections/{collection}", {
          params: { path: { collection: collection.id } },
          body: {
            name: name.trim(),
            base_url: address.trim(),
            credential: sent(credential, keeps),
            url: "",
            content: "",
            reload: false,
          },
        }),
      ),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ["tools"] });
      toast(t("tools.changed", { name: made.collection.name }));
      onClose();
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      <Field label={t("common.name")} hint={t("tools.nameText")}>
        {(ids) => <Input {...ids} required maxLength={100} value={name} onChange={(event) => setName(event.target.value)} />}
      </Field>
      <Field label={t("tools.address")} hint={t("tools.addressText")}>
        {(ids) => (
          <Input
            {...ids}
            type="url"
            inputMode="url"
            required
            maxLength={2000}
            spellCheck={false}
            value={address}
            onChange={(event) => setAddress(event.target.value)}
            className="font-mono"
          />
        )}
      </Field>
      <CredentialFields value={credential} onChange={setCredential} keeps={keeps} />
      {save.error && <ErrorPanel error={save.error} />}
      <DialogActions>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t("common.save")}
        </Button>
      </DialogActions>
    </form>
  );
}

const originOf = (url: string): string => (URL.canParse(url) ? new URL(url).origin : "");
