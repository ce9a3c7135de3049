import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { RotateCw, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Document, api } from "@/api/client";
import { asApiError } from "@/api/errors";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { DocumentState } from "@/pages/knowledge/State";
import { IconButton } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { type Column, Table } from "@/ui/Table";
import { toast } from "@/ui/Toasts";

/** A base's documents with where each of them is, and what to do about it. */
export function Documents({ base, rows }: { base: string; rows: readonly Document[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const [losing, setLosing] = useState<Document | null>(null);
  const retry = useRetry();
  const columns: Column<Document>[] = [
    {
      id: "name",
      title: t("common.name"),
      className: "w-full min-w-44",
      cell: (one) => (
        <>
          <Link
            to="/knowledge/$base/documents/$document"
            params={{ base, document: one.id }}
            className="font-medium break-words hover:underline"
          >
            {one.name}
          </Link>
          {one.state === "failed" && (
            <p className="mt-0.5 text-sm">
              <span className="text-bad">{one.error_message}</span> <span className="text-muted">{one.error_hint}</span>
            </p>
          )}
          {one.warnings.map((warning) => (
            <p key={warning} className="mt-0.5 text-sm text-warn">
              {warning}
            </p>
          ))}
        </>
      ),
    },
    { id: "state", title: t("knowledge.state"), cell: (one) => <DocumentState document={one} /> },
    {
      id: "passages",
      title: t("knowledge.passages"),
      align: "right",
      wideOnly: true,
      cell: (one) => <span className="tabular-nums">{one.chunk_count ? format.number(one.chunk_count) : "–"}</span>,
    },
    {
      id: "size",
      title: t("knowledge.size"),
      align: "right",
      wideOnly: true,
      cell: (one) => <span className="whitespace-nowrap text-muted tabular-nums">{format.bytes(one.size)}</span>,
    },
    {
      id: "changed",
      title: t("common.changed"),
      wideOnly: true,
      cell: (one) => <span className="whitespace-nowrap text-muted">{format.ago(one.updated_at)}</span>,
    },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      className: "whitespace-nowrap",
      cell: (one) => (
        <>
          {one.state === "failed" && (
            <IconButton
              icon={RotateCw}
              size="small"
              label={t("knowledge.retry", { name: one.name })}
              onClick={() => retry.mutate(one.id)}
            />
          )}
          <IconButton
            icon={Trash2}
            size="small"
            label={t("knowledge.delete", { name: one.name })}
            onClick={() => setLosing(one)}
          />
        </>
      ),
    },
  ];
  return (
    <>
      <Table
        label={t("knowledge.documents")}
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        empty={<p className="p-8 text-center text-muted">{t("common.noMatch")}</p>}
      />
      <LoseDocument one={losing} onClose={() => setLosing(null)} />
    </>
  );
}

export function useRetry() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (document_id: string) =>
      api.POST("/documents/{document_id}/retry", { params: { path: { document_id } } }),
    onSettled: () => client.invalidateQueries({ queryKey: ["knowledge"] }),
    onError: (error) => {
      const { message, hint } = asApiError(error);
      toast(message, { text: hint, bad: true });
    },
  });
}

function LoseDocument({ one, onClose }: { one: Document | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const lose = useMutation({
    mutationFn: (document_id: string) => api.DELETE("/documents/{document_id}", { params: { path: { document_id } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      toast(t("knowledge.deleted", { name: one?.name ?? "" }));
      onClose();
    },
  });
  return (
    <Confirm
      open={one !== null}
      onClose={onClose}
      onConfirm={() => one && lose.mutate(one.id)}
      busy={lose.isPending}
      title={t("knowledge.delete", { name: one?.name ?? "" })}
      text={t("knowledge.deleteDocumentText")}
      confirmLabel={t("common.delete")}
      cancelLabel={t("common.cancel")}
    >
      {lose.error && (
        <div className="mt-4">
          <ErrorPanel error={lose.error} />
        </div>
      )}
    </Confirm>
  );
}
