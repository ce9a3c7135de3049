import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { type BaseWithCounts, api } from "@/api/client";
import { bases } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { Field, Input } from "@/ui/Field";
import { toast } from "@/ui/Toasts";

interface LoseBaseProps {
  one: BaseWithCounts | null;
  onClose: () => void;
  onLost?: () => void;
}

/** Deletes a base; one that holds documents only after its name was typed. */
export function LoseBase({ one, onClose, onLost }: LoseBaseProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [typed, setTyped] = useState("");
  useEffect(() => setTyped(""), [one?.base.id]);
  const lose = useMutation({
    mutationFn: (base: string) => api.DELETE("/knowledge/{base}", { params: { path: { base } } }),
    onSuccess: async () => {
      toast(t("knowledge.deleted", { name: one?.base.name ?? "" }));
      onClose();
      onLost?.();
      await client.invalidateQueries({ queryKey: bases.queryKey, exact: true });
    },
  });
  const name = one?.base.name ?? "";
  const count = Object.values(one?.documents ?? {}).reduce((sum, some) => sum + some, 0);
  const isSure = count === 0 || typed.trim().normalize() === name.normalize();
  return (
    <ConfirmChange
      open={one !== null}
      onClose={onClose}
      onConfirm={() => one && lose.mutate(one.base.id)}
      change={lose}
      blocked={!isSure}
      title={t("knowledge.delete", { name })}
      text={t("knowledge.deleteText", { count })}
      confirmLabel={t("common.delete")}
    >
      {count > 0 && (
        <div className="mt-4">
          <Field label={t("knowledge.typeName", { name })}>
            {(ids) => <Input {...ids} value={typed} autoComplete="off" onChange={(event) => setTyped(event.target.value)} />}
          </Field>
        </div>
      )}
    </ConfirmChange>
  );
}
