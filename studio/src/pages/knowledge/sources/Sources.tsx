import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { FolderSync, Lock, Plus } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { asApiError } from "@/api/errors";
import { type Source, failedFilesOf, faultOf, sourcesOf } from "@/api/sources";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { SourceCard } from "@/pages/knowledge/sources/SourceCard";
import { SourceForm } from "@/pages/knowledge/sources/SourceForm";
import { Button } from "@/ui/Button";
import { Dialog, SidePanel } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

const route = getRouteApi("/inside/knowledge/$base/sources");

/** Where a knowledge base gets documents by itself. */
export function Sources() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const client = useQueryClient();
  const role = useMay();
  const sees = role("editor");
  const may = role("admin");
  const { data, error, refetch } = useQuery({ ...sourcesOf(base), enabled: sees });
  const [editing, setEditing] = useState<Source | "new" | null>(null);
  const [losing, setLosing] = useState<Source | null>(null);
  const [failed, setFailed] = useState<Source | null>(null);
  const isBusy = data?.some((one) => one.state !== "idle") ?? false;
  useEffect(() => {
    if (!isBusy) void client.invalidateQueries({ queryKey: ["knowledge", base] }); // what came stands in the lists
  }, [client, base, isBusy]);
  const refresh = useMutation({
    mutationFn: (source: Source) => body(api.POST("/sources/{source_id}/synchronise", { params: { path: { source_id: source.id } } })),
    onSettled: () => client.invalidateQueries({ queryKey: sourcesOf(base).queryKey }),
    onError: (fault) => {
      const { message, hint } = asApiError(fault);
      toast(message, { text: hint, bad: true });
    },
  });
  const lose = useMutation({
    mutationFn: (source: Source) => api.DELETE("/sources/{source_id}", { params: { path: { source_id: source.id } } }),
    onSuccess: async (_, { name }) => {
      await client.invalidateQueries({ queryKey: sourcesOf(base).queryKey });
      setLosing(null);
      toast(t("sources.removed", { name }));
    },
  });
  const add = may && (
    <Button kind="primary" icon={Plus} onClick={() => setEditing("new")}>
      {t("sources.add")}
    </Button>
  );
  return (
    <Page>
      <BaseHead id={base} />
      {!sees && <EmptyState icon={Lock} title={t("sources.notYours")} text={t("sources.notYoursText")} />}
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {sees && !data && !error && <SkeletonRows label={t("common.loading")} />}
      {data?.length === 0 && (
        <EmptyState icon={FolderSync} title={t("sources.none")} text={t(may ? "sources.noneText" : "sources.noneAdmin")}>
          {add}
        </EmptyState>
      )}
      {data && data.length > 0 && (
        <>
          <div className="mb-4 flex flex-wrap items-center gap-3">
            <p className="max-w-2xl min-w-0 grow basis-60 text-muted">{t("sources.text")}</p>
            {add}
          </div>
          <ul aria-label={t("sources.title")} className="flex flex-col gap-3">
            {data.map((source) => (
              <SourceCard
                key={source.id}
                source={source}
                mayChange={may}
                busy={refresh.isPending && refresh.variables.id === source.id}
                onRefresh={() => refresh.mutate(source)}
                onEdit={() => setEditing(source)}
                onLose={() => setLosing(source)}
                onFailed={() => setFailed(source)}
              />
            ))}
          </ul>
        </>
      )}
      <Dialog
        open={editing !== null}
        onClose={() => setEditing(null)}
        title={t(editing === "new" || editing === null ? "sources.add" : "sources.change")}
        hint={t("sources.text")}
        closeLabel={t("common.close")}
        wide
      >
        <SourceForm base={base} source={editing === "new" ? null : editing} onClose={() => setEditing(null)} />
      </Dialog>
      <SidePanel open={failed !== null} onClose={() => setFailed(null)} title={t("sources.failedOf", { name: failed?.name ?? "" })} closeLabel={t("common.close")} wide>
        {failed && <FailedFiles source={failed} />}
      </SidePanel>
      <ConfirmChange
        open={losing !== null}
        onClose={() => setLosing(null)}
        onConfirm={() => losing && lose.mutate(losing)}
        change={lose}
        title={t("sources.removeAsk", { name: losing?.name ?? "" })}
        text={t("sources.removeText")}
        confirmLabel={t("sources.remove")}
      />
    </Page>
  );
}

function FailedFiles({ source }: { source: Source }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(failedFilesOf(source));
  if (error) return <ErrorPanel error={error} onRetry={() => void refetch()} />;
  if (!data) return <SkeletonRows label={t("common.loading")} />;
  return (
    <ul className="flex flex-col gap-4">
      {data.files.map((file) => (
        <li key={file.ref}>
          <p className="mb-1.5 font-medium break-all">{file.name || file.ref}</p>
          <ErrorPanel error={faultOf(file)} />
        </li>
      ))}
    </ul>
  );
}
