import { useState } from "react";
import { useTranslation } from "react-i18next";

import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";

interface RenameProps {
  title: string;
  /** What is renamed, where that is not a name. */
  label?: string;
  /** As it is now; null: nothing is renamed. */
  name: string | null;
  most: number;
  change: { readonly isPending: boolean; readonly error: unknown; reset: () => void };
  onRename: (name: string) => void;
  onClose: () => void;
}

/** Asks for another name. */
export function Rename({ title, name, change, onClose, ...rest }: RenameProps) {
  const { t } = useTranslation();
  const close = () => {
    change.reset();
    onClose();
  };
  return (
    <Dialog open={name !== null} onClose={close} title={title} closeLabel={t("common.close")}>
      {name !== null && <Form name={name} change={change} onClose={close} {...rest} />}
    </Dialog>
  );
}

function Form({ label, name, most, change, onRename, onClose }: Omit<RenameProps, "title" | "name"> & { name: string }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(name);
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        onRename(typed.trim());
      }}
    >
      {change.error ? <ErrorPanel error={change.error} /> : null}
      <Field label={label ?? t("common.name")}>
        {(ids) => <Input {...ids} required autoFocus maxLength={most} value={typed} onChange={(event) => setTyped(event.target.value)} />}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={change.isPending} disabled={typed.trim() === "" || typed.trim() === name}>
          {t("common.save")}
        </Button>
      </DialogActions>
    </form>
  );
}
