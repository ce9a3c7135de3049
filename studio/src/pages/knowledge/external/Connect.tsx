import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { Gauge } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { type ExternalApi, externals } from "@/api/external";
import { bases } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { type Address, AddressFields } from "@/pages/knowledge/external/AddressFields";
import { TrialResult } from "@/pages/knowledge/external/TrialResult";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { Select } from "@/ui/Select";

interface ConnectProps {
  open: boolean;
  servers: readonly ExternalApi[];
  /** The one it is at; none: the first, or a new one. */
  at: string | null;
  onClose: () => void;
}

/** Knowledge of another server becomes a knowledge base here; the server may be new. */
export function Connect({ open, onClose, ...rest }: ConnectProps) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("external.connect")} hint={t("external.connectText")} closeLabel={t("common.close")} wide>
      {open && <Form onClose={onClose} {...rest} />}
    </Dialog>
  );
}

const NEW = "new";
const NOWHERE: Address = { name: "", url: "", key: "" };

function Form({ servers, at, onClose }: Omit<ConnectProps, "open">) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const may = useMay()("admin");
  const [server, setServer] = useState(at ?? servers[0]?.id ?? NEW);
  const [address, setAddress] = useState(NOWHERE);
  const [knowledge, setKnowledge] = useState("");
  const [name, setName] = useState("");
  const isNew = server === NEW;
  const test = useMutation({
    mutationFn: () => {
      const asked = { knowledge_id: knowledge.trim(), query: t("external.testQuery") };
      return isNew
        ? body(api.POST("/external-knowledge/try", { body: { url: address.url, key: address.key, ...asked } }))
        : body(api.POST("/external-knowledge/{api}/try", { params: { path: { api: server } }, body: asked }));
    },
  });
  const make = useMutation({
    mutationFn: async () => {
      let id = server;
      if (isNew) {
        id = (await body(api.POST("/external-knowledge", { body: address }))).id;
        await client.invalidateQueries({ queryKey: externals.queryKey });
        setServer(id); // it is kept, whatever becomes of the base
      }
      const wanted = { name: name.trim(), description: "", knowledge_id: knowledge.trim() };
      return body(api.POST("/external-knowledge/{api}/bases", { params: { path: { api: id } }, body: wanted }));
    },
    onMutate: () => test.reset(),
    onSuccess: async (base) => {
      await client.invalidateQueries({ queryKey: bases.queryKey });
      await client.invalidateQueries({ queryKey: externals.queryKey });
      onClose();
      void go({ to: "/knowledge/$base", params: { base: base.id } });
    },
  });
  const change = (run: () => void) => {
    test.reset();
    make.reset();
    run();
  };
  const choices = servers.map(({ id, name: label, url }) => ({ value: id, label, hint: url }));
  const error = make.error ?? test.error;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {servers.length > 0 && (
        <Field label={t("external.server")}>
          {({ id }) => (
            <Select
              id={id}
              label={t("external.server")}
              value={server}
              choices={may ? [...choices, { value: NEW, label: t("external.another") }] : choices}
              onChange={(next) => change(() => setServer(next))}
              className="w-full"
            />
          )}
        </Field>
      )}
      {isNew && <AddressFields value={address} onChange={(next) => change(() => setAddress(next))} keyHint={t("external.keyText")} />}
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("external.id")} hint={t("external.idText")}>
          {(ids) => (
            <Input
              {...ids}
              required
              spellCheck={false}
              maxLength={500}
              value={knowledge}
              onChange={(event) => change(() => setKnowledge(event.target.value))}
              className="font-mono"
            />
          )}
        </Field>
        <Field label={t("external.baseName")} hint={t("external.baseNameText")}>
          {(ids) => <Input {...ids} required maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />}
        </Field>
      </div>
      {error && <ErrorPanel error={error} />}
      {test.data && <TrialResult tried={test.data} />}
      <DialogActions>
        <Button icon={Gauge} busy={test.isPending} disabled={isNew && address.url === ""} onClick={() => test.mutate()}>
          {t("external.test")}
        </Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          {t("external.connectNow")}
        </Button>
      </DialogActions>
    </form>
  );
}
