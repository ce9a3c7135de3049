import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { FileUp, FolderUp } from "lucide-react";
import { type DragEvent, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import { PAGE, documentsOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { enqueue, filesOf } from "@/frame/uploads";
import { useFormat } from "@/i18n/format";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { Documents } from "@/pages/knowledge/Documents";
import { STATES } from "@/pages/knowledge/State";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/knowledge/$base");
const ANY = "any";

export function Base() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const filter = route.useSearch();
  const state = STATES.find((one) => one === filter.state);
  const go = route.useNavigate();
  const { data, error, refetch } = useQuery(documentsOf(base, { ...filter, state }));
  const { dragging, drop } = useDrop(base);
  const upload = useUploadAction(base);
  const narrow = (changes: { search?: string | undefined; state?: string | undefined }) =>
    void go({ search: (before) => ({ ...before, ...changes, offset: undefined }), replace: true });
  const none = data?.total === 0 && !filter.search && !state;

  return (
    <div {...drop} className="min-h-full">
      <Page>
        <BaseHead id={base} />
        {upload.inputs}
        {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
        {!error && (
          <Panel flush>
            <div className="flex flex-wrap gap-2 border-b border-line p-3">
              <Input
                type="search"
                aria-label={t("knowledge.find")}
                placeholder={t("knowledge.find")}
                defaultValue={filter.search ?? ""}
                onChange={(event) => narrow({ search: event.target.value || undefined })}
                className="min-w-0 grow basis-40 sm:max-w-72"
              />
              <Select
                label={t("knowledge.state")}
                value={state ?? ANY}
                choices={[
                  { value: ANY, label: t("knowledge.anyState") },
                  ...STATES.map((value) => ({ value, label: t(`state.${value}`) })),
                ]}
                onChange={(value) => narrow({ state: value === ANY ? undefined : value })}
              />
              <div className="grow" />
              <Button icon={FolderUp} onClick={upload.pickFolder}>
                {t("uploads.folder")}
              </Button>
              <Button kind="primary" icon={upload.action.icon} onClick={upload.action.run}>
                {upload.action.label}
              </Button>
            </div>
            {!data && <SkeletonRows label={t("common.loading")} />}
            {none && (
              <EmptyState icon={FileUp} title={t("knowledge.noDocuments")} text={t("knowledge.noDocumentsText")}>
                <Button kind="primary" icon={FileUp} onClick={upload.action.run}>
                  {upload.action.label}
                </Button>
              </EmptyState>
            )}
            {data && !none && <Documents base={base} rows={data.documents} />}
            {data && data.total > PAGE && (
              <Pages
                offset={filter.offset ?? 0}
                total={data.total}
                onMove={(offset) => void go({ search: (before) => ({ ...before, offset: offset || undefined }) })}
              />
            )}
          </Panel>
        )}
      </Page>
      {dragging && (
        <div className="pointer-events-none fixed inset-3 top-15 z-20 flex items-center justify-center rounded-xl border-2 border-dashed border-accent bg-accent-soft/90 text-lg font-semibold text-accent-ink lg:left-57">
          {t("uploads.drop")}
        </div>
      )}
    </div>
  );
}

function Pages({ offset, total, onMove }: { offset: number; total: number; onMove: (offset: number) => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const end = Math.min(offset + PAGE, total);
  return (
    <nav aria-label={t("pages.label")} className="flex items-center gap-2 border-t border-line p-3">
      <p className="grow text-sm text-muted tabular-nums">
        {t("pages.shown", { from: format.number(offset + 1), to: format.number(end), total: format.number(total) })}
      </p>
      <Button size="small" disabled={offset === 0} onClick={() => onMove(Math.max(0, offset - PAGE))}>
        {t("pages.before")}
      </Button>
      <Button size="small" disabled={end >= total} onClick={() => onMove(offset + PAGE)}>
        {t("pages.next")}
      </Button>
    </nav>
  );
}

function useUploadAction(base: string) {
  const { t } = useTranslation();
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const action = useMemo(
    (): Action => ({
      id: "upload",
      label: t("uploads.add"),
      group: t("nav.knowledge"),
      icon: FileUp,
      shortcut: "u",
      run: () => files.current?.click(),
    }),
    [t],
  );
  useActions(useMemo(() => [action], [action]));
  const take = (list: FileList | null) =>
    enqueue(base, [...(list ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file })));
  const input = { type: "file", multiple: true, hidden: true, "aria-hidden": true } as const;
  const inputs = (
    <>
      <input {...input} ref={files} onChange={(event) => (take(event.target.files), (event.target.value = ""))} />
      <input {...input} {...{ webkitdirectory: "" }} ref={folder} onChange={(event) => (take(event.target.files), (event.target.value = ""))} />
    </>
  );
  return { action, inputs, pickFolder: () => folder.current?.click() };
}

function useDrop(base: string) {
  const [depth, setDepth] = useState(0);
  const holdsFiles = (event: DragEvent) => event.dataTransfer.types.includes("Files");
  const drop = {
    onDragEnter: (event: DragEvent) => holdsFiles(event) && setDepth((before) => before + 1),
    onDragLeave: (event: DragEvent) => holdsFiles(event) && setDepth((before) => Math.max(0, before - 1)),
    onDragOver: (event: DragEvent) => holdsFiles(event) && event.preventDefault(),
    onDrop: (event: DragEvent) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      setDepth(0);
      void filesOf(event.dataTransfer).then((picked) => enqueue(base, picked));
    },
  };
  return { dragging: depth > 0, drop };
}
