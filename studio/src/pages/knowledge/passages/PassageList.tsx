import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Eye, EyeOff, ListPlus, Merge, Pencil, Plus, Scissors, SearchX, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Document, type Passage, api, body } from "@/api/client";
import { PASSAGES, type PassageFilter, passagesOf } from "@/api/documents";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { KeepUnsaved } from "@/frame/KeepUnsaved";
import { useMay } from "@/frame/role";
import { ChosenPassages } from "@/pages/knowledge/passages/ChosenPassages";
import { Parts } from "@/pages/knowledge/passages/Parts";
import { PassageCard } from "@/pages/knowledge/passages/PassageCard";
import { PassageForm } from "@/pages/knowledge/passages/PassageForm";
import { SplitPassage } from "@/pages/knowledge/passages/SplitPassage";
import { useChange, useWork } from "@/pages/knowledge/passages/work";
import { Button, IconButton } from "@/ui/Button";
import { Confirm } from "@/ui/Dialog";
import { Input } from "@/ui/Field";
import type { MenuItem } from "@/ui/Menu";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";

const SHOWN = ["any", "off"] as const;

interface PassageListProps {
  document: Document;
  /** Of a document with pages: the one that is looked at. */
  page?: number | undefined;
  /** Where the list begins that is not a page's. */
  offset?: number | undefined;
  chosen?: string | undefined;
  part?: string | undefined;
  quote: string;
  onChoose: (passage: Passage, part?: Passage) => void;
  onOffset: (offset: number | undefined) => void;
  /** Shows on a phone where the chosen one stands. */
  onShow: () => void;
}

/** A document's passages, to look at and to work on. */
export function PassageList({ document, page, offset, chosen, part, quote, onChoose, onOffset, onShow }: PassageListProps) {
  const { t } = useTranslation();
  const [scope, setScope] = useState<"page" | "all">("page");
  const [search, setSearch] = useState("");
  const [shown, setShown] = useState<(typeof SHOWN)[number]>("any");
  const [at, setAt] = useState(0); // in what a search found
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [merging, setMerging] = useState<readonly Passage[]>([]);
  const [losing, setLosing] = useState<readonly Passage[]>([]);
  const { work, draft, dirty, write, begin, end, asking, goOn, stay } = useWork();
  const mayWork = useMay()("editor") && document.state === "ready" && !document.archived;
  const isNarrowed = search.trim() !== "" || shown === "off";
  const onPage = page !== undefined && scope === "page" && !isNarrowed;
  const filter: PassageFilter = onPage
    ? { page }
    : isNarrowed
      ? { search: search.trim(), enabled: shown === "off" ? false : undefined, offset: at }
      : { offset, holding: offset === undefined && chosen ? chosen : undefined };
  const { data, error, refetch, isPlaceholderData } = useQuery({ ...passagesOf(document.id, filter), placeholderData: keepPreviousData });
  const start = isNarrowed ? at : (data?.[0]?.ordinal ?? 0);
  const turn = (to: number) => (isNarrowed ? setAt(Math.max(0, to)) : onOffset(Math.max(0, to) || 0));

  const path = { document_id: document.id };
  const switching = useChange(document.id, ({ of, enabled }: { of: readonly Passage[]; enabled: boolean }) =>
    body(api.POST("/documents/{document_id}/passages/switch", { params: { path }, body: { ids: of.map(({ id }) => id), enabled } })),
  );
  const merge = useChange(
    document.id,
    (of: readonly Passage[]) => body(api.POST("/documents/{document_id}/passages/merge", { params: { path }, body: { ids: of.map(({ id }) => id) } })),
    { quiet: true },
  );
  const lose = useChange(
    document.id,
    (of: readonly Passage[]) => body(api.POST("/documents/{document_id}/passages/remove", { params: { path }, body: { ids: of.map(({ id }) => id) } })),
    { quiet: true },
  );
  const turnSwitch = (of: readonly Passage[], enabled: boolean) =>
    switching.mutate(
      { of, enabled },
      {
        onSuccess: ({ count }) => {
          setIds(new Set());
          const undo = { label: t("common.undo"), run: () => switching.mutate({ of, enabled: !enabled }) };
          toast(t(enabled ? "passages.switchedOn" : "passages.switchedOff", { count }), { undo });
        },
      },
    );

  const itemsOf = (one: Passage, next: Passage | undefined, parent?: Passage): MenuItem[][] => {
    const change: MenuItem[] = [{ id: "edit", label: t("passages.edit"), icon: Pencil, run: () => begin({ kind: "edit", passage: one }) }];
    if (one.answer === null) change.push({ id: "split", label: t("passages.split"), icon: Scissors, run: () => begin({ kind: "split", passage: one }) });
    if (next) change.push({ id: "merge", label: t("passages.mergeNext"), icon: Merge, run: () => setMerging([one, next]) });
    change.push({ id: "add", label: t("passages.addBelow"), icon: Plus, run: () => begin({ kind: "add", after: one, ...(parent && { parent }) }) });
    if (one.kind === "parent") change.push({ id: "part", label: t("passages.addPart"), icon: ListPlus, run: () => begin({ kind: "add", parent: one }) });
    const off: MenuItem = one.enabled
      ? { id: "off", label: t("passages.switchOff"), icon: EyeOff, run: () => turnSwitch([one], false) }
      : { id: "on", label: t("passages.switchOn"), icon: Eye, run: () => turnSwitch([one], true) };
    return [change, [off, { id: "delete", label: t("common.delete"), icon: Trash2, danger: true, run: () => setLosing([one]) }]];
  };
  const form = (of: Exclude<typeof work, null>) =>
    of.kind === "split" ? (
      <SplitPassage document={document} passage={of.passage} onEnd={end} />
    ) : (
      <PassageForm
        key={of.kind}
        document={document}
        work={of}
        draft={draft}
        dirty={dirty}
        onWrite={write}
        onEnd={end}
        onSaved={(passage) => {
          end();
          if (of.kind === "add" && !of.parent) onChoose(passage);
        }}
      />
    );
  const insteadOf = (one: Passage) => (work && work.kind !== "add" && work.passage.id === one.id ? form(work) : undefined);
  const below = (after: Passage | undefined, parent?: Passage) =>
    work?.kind === "add" && work.parent?.id === parent?.id && work.after?.id === after?.id ? (
      <li key="new" className="list-none rounded-lg border border-accent bg-surface px-4 py-3">
        {form(work)}
      </li>
    ) : undefined;
  const toggle = (id: string) => {
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    setIds(next);
  };
  const picked = data?.filter(({ id }) => ids.has(id)) ?? [];
  const lit = search.trim();
  return (
    <section aria-label={t("knowledge.passages")} className="flex flex-col lg:max-h-[calc(100dvh-7rem)]">
      <div className="sticky top-0 z-10 mb-2 flex min-h-9 flex-wrap items-center gap-2 bg-canvas max-lg:py-1">
        {picked.length > 0 ? (
          <ChosenPassages
            chosen={picked}
            busy={switching.isPending}
            onMerge={() => setMerging(picked)}
            onSwitch={(enabled) => turnSwitch(picked, enabled)}
            onDelete={() => setLosing(picked)}
            onClear={() => setIds(new Set())}
          />
        ) : (
          <>
            <Input
              type="search"
              aria-label={t("passages.find")}
              placeholder={t("passages.find")}
              value={search}
              onChange={(event) => {
                setSearch(event.target.value);
                setAt(0);
              }}
              className="min-w-0 grow basis-full sm:basis-36"
            />
            {page !== undefined && (
              <Select
                label={t("passages.scope")}
                value={onPage ? "page" : "all"}
                choices={(["page", "all"] as const).map((value) => ({ value, label: t(`passages.in.${value}`) }))}
                onChange={(next) => {
                  setScope(next);
                  if (next === "page") setSearch("");
                }}
              />
            )}
            <Select
              label={t("passages.shown")}
              value={shown}
              choices={SHOWN.map((value) => ({ value, label: t(`passages.are.${value}`) }))}
              onChange={(next) => {
                setShown(next);
                setAt(0);
              }}
            />
            {mayWork && (
              <IconButton icon={Plus} className="max-sm:ml-auto" label={t("passages.add")} onClick={() => begin({ kind: "add", ...(data?.length && onPage && { after: data[data.length - 1] as Passage }) })} />
            )}
          </>
        )}
      </div>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows label={t("common.loading")} />}
      {document.archived && <p className="mb-2 text-sm text-muted">{t("passages.archived")}</p>}
      <div data-column className="scroll-quiet min-h-0 lg:overflow-y-auto lg:p-px" aria-busy={isPlaceholderData}>
        <ol className="flex flex-col gap-3">
          {data?.flatMap((one, index) => {
            const number = String(one.ordinal + 1);
            const next = data[index + 1];
            const isLit = one.id === chosen && part === undefined;
            return [
              <PassageCard
                key={one.id}
                passage={one}
                number={number}
                isLit={isLit}
                lit={lit || (isLit ? quote : "")}
                onChoose={() => onChoose(one)}
                onShow={onShow}
                isChecked={ids.has(one.id)}
                onCheck={mayWork ? () => toggle(one.id) : undefined}
                items={mayWork ? itemsOf(one, isNarrowed || next?.ordinal !== one.ordinal + 1 ? undefined : next) : []}
                instead={insteadOf(one)}
              >
                {one.kind === "parent" && (
                  <Parts
                    document={document}
                    parent={one}
                    isOpen={onPage || one.id === chosen}
                    part={(own) => (
                      <PassageCard
                        key={own.id}
                        passage={own}
                        number={`${number}.${own.ordinal + 1}`}
                        isLit={own.id === part || own.id === chosen}
                        lit={lit}
                        onChoose={() => onChoose(one, own)}
                        onShow={onShow}
                        items={mayWork ? itemsOf(own, undefined, one) : []}
                        instead={insteadOf(own)}
                      >
                        {below(own, one)}
                      </PassageCard>
                    )}
                  >
                    {below(undefined, one)}
                  </Parts>
                )}
              </PassageCard>,
              below(one),
            ];
          })}
          {below(undefined)}
        </ol>
        {data?.length === 0 && !work && (
          <EmptyState icon={SearchX} title={t(isNarrowed ? "passages.noneSuch" : "passages.none")} text={t(isNarrowed ? "passages.noneSuchText" : "passages.noneText")} />
        )}
        {data && !onPage && (start > 0 || data.length === PASSAGES) && (
          <nav aria-label={t("pages.label")} className="mt-3 flex justify-end gap-2">
            <Button size="small" disabled={start === 0} onClick={() => turn(start - PASSAGES)}>
              {t("pages.before")}
            </Button>
            <Button size="small" disabled={data.length < PASSAGES} onClick={() => turn(start + PASSAGES)}>
              {t("pages.next")}
            </Button>
          </nav>
        )}
      </div>
      <KeepUnsaved dirty={dirty} />
      <Confirm
        open={asking}
        onClose={stay}
        onConfirm={goOn}
        title={t("unsaved.leave")}
        text={t("unsaved.leaveText")}
        confirmLabel={t("passages.discard")}
        cancelLabel={t("unsaved.stay")}
      />
      <ConfirmChange
        open={merging.length > 0}
        onClose={() => setMerging([])}
        onConfirm={() =>
          merge.mutate(merging, {
            onSuccess: (whole) => {
              setMerging([]);
              setIds(new Set());
              toast(t("passages.merged"));
              onChoose(whole);
            },
          })
        }
        change={merge}
        title={t("passages.mergeAsk", { count: merging.length })}
        text={t("passages.mergeText")}
        confirmLabel={t("passages.merge")}
      />
      <ConfirmChange
        open={losing.length > 0}
        onClose={() => setLosing([])}
        onConfirm={() =>
          lose.mutate(losing, {
            onSuccess: ({ count }) => {
              setLosing([]);
              setIds(new Set());
              toast(t("passages.deleted", { count }));
            },
          })
        }
        change={lose}
        title={t("passages.deleteAsk", { count: losing.length })}
        text={t("passages.deleteText")}
        confirmLabel={t("common.delete")}
      />
    </section>
  );
}
