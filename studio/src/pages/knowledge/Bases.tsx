import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { BookOpen, FileInput, Plus, Trash2 } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import { type BaseWithCounts, api, body } from "@/api/client";
import { bases } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { matches } from "@/frame/filter";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { ImportPipeline } from "@/pages/knowledge/ImportPipeline";
import { LoseBase } from "@/pages/knowledge/LoseBase";
import { StateCounts } from "@/pages/knowledge/State";
import { Button, IconButton } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { PageHead, Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

export function Bases() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data, error, refetch } = useQuery(bases);
  const [typed, setTyped] = useState("");
  const [making, setMaking] = useState(false);
  const [taking, setTaking] = useState(false);
  const [losing, setLosing] = useState<BaseWithCounts | null>(null);
  useCrumbs({ label: t("nav.knowledge") });
  const make = useMemo(
    (): Action => ({
      id: "knowledge-new",
      label: t("knowledge.new"),
      group: t("nav.knowledge"),
      icon: Plus,
      shortcut: "c",
      run: () => setMaking(true),
    }),
    [t],
  );
  const may = useMay()("editor");
  useActions(useMemo(() => (may ? [make] : []), [may, make]));
  const button = may && (
    <>
      <Button icon={FileInput} onClick={() => setTaking(true)}>
        {t("pipeline.import")}
      </Button>
      <Button kind="primary" icon={make.icon} onClick={make.run}>
        {make.label}
      </Button>
    </>
  );
  const columns: Column<BaseWithCounts>[] = [
    {
      id: "name",
      title: t("common.name"),
      className: "w-1/2",
      cell: ({ base }) => (
        <>
          <Link to="/knowledge/$base" params={{ base: base.id }} className="font-medium hover:underline">
            {base.name}
          </Link>
          {base.description && <p className="text-sm text-muted">{base.description}</p>}
        </>
      ),
    },
    { id: "documents", title: t("knowledge.documents"), cell: ({ documents }) => <StateCounts counts={documents} /> },
    {
      id: "model",
      title: t("knowledge.embedding"),
      wideOnly: true,
      cell: ({ base }) => <span className="text-muted">{base.embedding_model || "–"}</span>,
    },
    {
      id: "changed",
      title: t("common.changed"),
      wideOnly: true,
      cell: ({ base }) => <span className="whitespace-nowrap text-muted">{format.ago(base.updated_at)}</span>,
    },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      cell: (one) => may && (
        <IconButton
          icon={Trash2}
          size="small"
          label={t("knowledge.delete", { name: one.base.name })}
          onClick={() => setLosing(one)}
        />
      ),
    },
  ];
  const shown = data?.filter(({ base }) => matches(`${base.name} ${base.description}`, typed)) ?? [];
  return (
    <Page>
      <PageHead title={t("nav.knowledge")} hint={t("knowledge.text")} actions={button} />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <Panel flush>
          {data && data.length > 0 && (
            <div className="border-b border-line p-3">
              <Input
                type="search"
                aria-label={t("knowledge.filter")}
                placeholder={t("knowledge.filter")}
                value={typed}
                onChange={(event) => setTyped(event.target.value)}
                className="max-w-72"
              />
            </div>
          )}
          {!data && <SkeletonRows label={t("common.loading")} />}
          {data && (
            <Table
              label={t("nav.knowledge")}
              columns={columns}
              rows={shown}
              rowKey={({ base }) => base.id}
              empty={
                data.length === 0 ? (
                  <EmptyState icon={BookOpen} title={t("knowledge.none")} text={may ? t("knowledge.noneText") : t("role.none")}>
                    {button}
                  </EmptyState>
                ) : (
                  <p className="p-8 text-center text-muted">{t("common.noMatch")}</p>
                )
              }
            />
          )}
        </Panel>
      )}
      <ImportPipeline open={taking} onClose={() => setTaking(false)} />
      <NewBase open={making} onClose={() => setMaking(false)} />
      <LoseBase one={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}

function NewBase({ open, onClose }: { open: boolean; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("knowledge.new")} hint={t("knowledge.newText")} closeLabel={t("common.close")}>
      <NewBaseForm onClose={onClose} />
    </Dialog>
  );
}

function NewBaseForm({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const make = useMutation({
    mutationFn: () => body(api.POST("/knowledge", { body: { name: name.trim(), description } })),
    onSuccess: async (base) => {
      await client.invalidateQueries({ queryKey: bases.queryKey });
      onClose();
      void go({ to: "/knowledge/$base", params: { base: base.id } });
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        make.mutate();
      }}
    >
      {make.error && <ErrorPanel error={make.error} />}
      <Field label={t("common.name")}>
        {(ids) => (
          <Input {...ids} required autoFocus maxLength={200} value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <Field label={t("common.description")} hint={t("common.optional")}>
        {(ids) => (
          <Input {...ids} maxLength={2000} value={description} onChange={(event) => setDescription(event.target.value)} />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={make.isPending}>
          {t("common.create")}
        </Button>
      </DialogActions>
    </form>
  );
}
