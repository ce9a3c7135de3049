import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { type CollectionShown, api } from "@/api/client";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { toast } from "@/ui/Toasts";

interface LoseCollectionProps {
  collection: CollectionShown | null;
  onClose: () => void;
}

/** Asks before a document's tools and its credential are deleted. */
export function LoseCollection({ collection, onClose }: LoseCollectionProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (id: string) => api.DELETE("/tools/collections/{collection}", { params: { path: { collection: id } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["tools"] });
      toast(t("tools.removed", { name: collection?.name ?? "" }));
      onClose();
    },
  });
  return (
    <ConfirmChange
      open={collection !== null}
      onClose={onClose}
      onConfirm={() => collection && lose.mutate(collection.id)}
      change={lose}
      title={t("tools.removeAsk", { name: collection?.name ?? "" })}
      text={t("tools.removeText", { count: collection?.tools ?? 0 })}
      confirmLabel={t("common.delete")}
    />
  );
}
