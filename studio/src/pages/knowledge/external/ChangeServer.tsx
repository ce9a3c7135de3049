import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type ExternalApi, externals } from "@/api/external";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { type Address, AddressFields } from "@/pages/knowledge/external/AddressFields";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { toast } from "@/ui/Toasts";

/** Another name, address or key of a server that is asked; it is tried before it is kept. */
export function ChangeServer({ one, onClose }: { one: ExternalApi | null; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={one !== null} onClose={onClose} title={t("external.change", { name: one?.name ?? "" })} hint={t("external.changeText")} closeLabel={t("common.close")}>
      {one && <Form one={one} onClose={onClose} />}
    </Dialog>
  );
}

function Form({ one, onClose }: { one: ExternalApi; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [address, setAddress] = useState<Address>({ name: one.name, url: one.url, key: "" });
  const save = useMutation({
    mutationFn: () => {
      const { name, url, key } = address;
      return body(api.PATCH("/external-knowledge/{api}", { params: { path: { api: one.id } }, body: { name, url, key: key || null } }));
    },
    onSuccess: async () => {
      toast(t("external.saved", { name: address.name }));
      onClose();
      await client.invalidateQueries({ queryKey: externals.queryKey });
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
      <AddressFields value={address} onChange={setAddress} keyHint={one.has_key ? t("external.keyKept") : t("external.keyText")} />
      {save.error && <ErrorPanel error={save.error} />}
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={save.isPending}>
          {t("common.save")}
        </Button>
      </DialogActions>
    </form>
  );
}
