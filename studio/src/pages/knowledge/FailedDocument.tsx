import { useMutation, useQueryClient } from "@tanstack/react-query";
import { RotateCw } from "lucide-react";
import { useTranslation } from "react-i18next";

import { type Document, api } from "@/api/client";
import { failureOf } from "@/api/documents";
import { asApiError } from "@/api/errors";
import { useErrorText } from "@/frame/errorText";
import { useMay } from "@/frame/role";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

/** Why a document was not read, what to do, and another try. */
export function FailedDocument({ document }: { document: Document }) {
  const { t } = useTranslation();
  const retry = useRetry();
  const may = useMay()("editor");
  const { message, hint, detail } = useErrorText()(failureOf(document));
  return (
    <div role="alert" className="mb-4 rounded-lg border border-bad/30 bg-bad-soft px-4 py-3">
      <p className="font-medium">{message}</p>
      <p className="mt-0.5 text-muted">{hint}</p>
      {detail && <p className="mt-1 text-sm text-muted">{detail}</p>}
      <p className="mt-3 flex items-center gap-3">
        {may && (
          <Button size="small" icon={RotateCw} busy={retry.isPending} onClick={() => retry.mutate(document.id)}>
            {t("common.retry")}
          </Button>
        )}
        <code className="font-mono text-xs text-muted">{document.error_code}</code>
      </p>
    </div>
  );
}

export function useRetry() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (document_id: string) =>
      api.POST("/documents/{document_id}/retry", { params: { path: { document_id } } }),
    onSettled: async () => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      await client.invalidateQueries({ queryKey: ["documents"] });
    },
    onError: (error) => {
      const { message, hint } = asApiError(error);
      toast(message, { text: hint, bad: true });
    },
  });
}
