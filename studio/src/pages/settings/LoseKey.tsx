import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { type ApiKey, api } from "@/api/client";
import { keys, quotas } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { toast } from "@/ui/Toasts";

export function LoseKey({ one, onClose }: { one: ApiKey | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (key_id: string) => api.DELETE("/keys/{key_id}", { params: { path: { key_id } } }),
    onSuccess: async () => {
      await Promise.all([keys, quotas].map(({ queryKey }) => client.invalidateQueries({ queryKey })));
      toast(t("keys.revoked"));
      onClose();
    },
  });
  return (
    <ConfirmChange
      open={one !== null}
      onClose={onClose}
      onConfirm={() => one && lose.mutate(one.id)}
      change={lose}
      title={t("keys.revoke", { name: one?.name || (one?.hint ?? "") })}
      text={t("keys.revokeText")}
      confirmLabel={t("keys.revokeNow")}
    />
  );
}
