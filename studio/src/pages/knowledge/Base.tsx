import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { FileUp, FolderUp, RotateCw } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Document } from "@/api/client";
import { type DocumentFilter, type Sort, documentsOf } from "@/api/documents";
import { baseOf } from "@/api/queries";
import { useMay } from "@/frame/role";
import { AboutDocument } from "@/pages/knowledge/AboutDocument";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { Chosen, useRetryMany } from "@/pages/knowledge/Chosen";
import { Documents } from "@/pages/knowledge/Documents";
import { ExternalBase } from "@/pages/knowledge/external/ExternalBase";
import { Flow } from "@/pages/knowledge/Flow";
import { type Losing, LoseDocuments } from "@/pages/knowledge/LoseDocuments";
import { Pipeline } from "@/pages/knowledge/Pipeline";
import { STATES } from "@/pages/knowledge/State";
import { NOTHING, type Selection, isEmpty } from "@/pages/knowledge/selection";
import { useDrop, useUploadAction } from "@/pages/knowledge/uploading";
import { useProgress } from "@/pages/knowledge/useProgress";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { EmptyState } from "@/ui/States";

const route = getRouteApi("/inside/knowledge/$base");
const ANY = "any";
const KEPT = ["disabled", "archived"] as const;
const SORTS: readonly Sort[] = [
  ...(["-created", "created", "name", "-name", "state", "-state", "size", "-size"] as const),
  ...(["passages", "-passages", "updated", "-updated"] as const),
];

/** One knowledge base: its documents, how far they are, and the place to drop more. */
export function Base() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const asked = route.useSearch();
  const go = route.useNavigate();
  const filter: DocumentFilter = {
    state: STATES.find((one) => one === asked.state),
    display: KEPT.find((one) => one === asked.state),
    search: asked.search,
    sort: SORTS.find((one) => one === asked.sort),
  };
  const news = useProgress(base);
  const may = useMay()("editor");
  const { data } = useQuery(documentsOf(base, filter, 0));
  const { data: about, isError: isMissing } = useQuery(baseOf(base));
  const [selection, setSelection] = useState<Selection>(NOTHING);
  const [losing, setLosing] = useState<Losing | null>(null);
  const [described, setDescribed] = useState<Document | null>(null);
  const retry = useRetryMany(base);
  const { dragging, drop } = useDrop(base, may);
  const upload = useUploadAction(base, may);
  useEffect(() => setSelection(NOTHING), [base, asked.state, filter.search]);
  const narrow = (changes: { search?: string | undefined; state?: string | undefined; sort?: string }) =>
    void go({ search: (before) => ({ ...before, ...changes }), replace: true, resetScroll: false });
  if (about?.base.external_api_id) {
    return (
      <Page>
        <BaseHead id={base} />
        <ExternalBase one={about} />
      </Page>
    );
  }
  const isEmptyBase = data?.total === 0 && !filter.search && !filter.state && !filter.display;
  const count = selection.all ? (data?.total ?? 0) : selection.ids.size;
  const failed = news?.flow.counts.failed ?? 0;
  return (
    <div {...drop} className="min-h-full">
      <Page>
        <BaseHead id={base} />
        {upload.inputs}
        {about?.base.pipeline_id && <Pipeline base={base} mayChange={may} />}
        {!isMissing && (
          <Panel flush>
            {news && <Flow news={news} />}
            <div className="sticky top-0 z-10 flex flex-wrap gap-2 rounded-t-lg border-b border-line bg-surface p-3">
              {isEmpty(selection) ? (
                <>
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
                    value={filter.state ?? filter.display ?? ANY}
                    choices={[
                      { value: ANY, label: t("knowledge.anyState") },
                      ...STATES.map((value) => ({ value, label: t(`state.${value}`) })),
                      ...KEPT.map((value) => ({ value, label: t(`marks.is.${value}`) })),
                    ]}
                    onChange={(value) => narrow({ state: value === ANY ? undefined : value })}
                  />
                  {may && failed > 1 && (
                    <Button icon={RotateCw} busy={retry.isPending} onClick={() => retry.mutate({ state: "failed", search: "" })}>
                      {t("knowledge.retryFailed", { count: failed })}
                    </Button>
                  )}
                  <div className="hidden grow sm:block" />
                  {may && (
                    <>
                      <Button icon={FolderUp} onClick={upload.pickFolder}>
                        {t("uploads.folder")}
                      </Button>
                      <Button kind="primary" icon={upload.action.icon} onClick={upload.action.run}>
                        {upload.action.label}
                      </Button>
                    </>
                  )}
                </>
              ) : (
                <Chosen
                  base={base}
                  filter={filter}
                  selection={selection}
                  count={count}
                  onDelete={() => setLosing({ chosen: selection, count })}
                  onClear={() => setSelection(NOTHING)}
                />
              )}
            </div>
            {isEmptyBase ? (
              <EmptyState icon={FileUp} title={t("knowledge.noDocuments")} text={may ? t("knowledge.noDocumentsText") : t("role.none")}>
                {may && (
                  <Button kind="primary" icon={FileUp} onClick={upload.action.run}>
                    {upload.action.label}
                  </Button>
                )}
              </EmptyState>
            ) : (
              <Documents
                base={base}
                filter={filter}
                news={news}
                selection={selection}
                mayChange={may}
                onSelect={setSelection}
                onSort={(sort) => narrow({ sort })}
                onDelete={(one) => setLosing({ one })}
                onAbout={setDescribed}
              />
            )}
          </Panel>
        )}
      </Page>
      <AboutDocument base={base} document={described} onClose={() => setDescribed(null)} />
      <LoseDocuments
        base={base}
        filter={filter}
        losing={losing}
        onClose={() => setLosing(null)}
        onLost={() => setSelection(NOTHING)}
      />
      {dragging && (
        <div className="pointer-events-none fixed inset-3 top-15 z-20 flex items-center justify-center rounded-xl border-2 border-dashed border-accent bg-accent-soft/90 text-lg font-semibold text-accent-ink lg:left-57">
          {t("uploads.drop")}
        </div>
      )}
    </div>
  );
}
