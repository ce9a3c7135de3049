import { keepPreviousData, useQueries, useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { ArrowDown, ArrowUp } from "lucide-react";
import { useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Document } from "@/api/client";
import { type DocumentFilter, type News, ROWS, type Sort, documentsOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { DocumentRow } from "@/pages/knowledge/DocumentRow";
import type { Selection } from "@/pages/knowledge/selection";
import { SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

const ROW = 45; // pixels, until a row is measured

type SortKey = "name" | "state" | "passages" | "size" | "updated";

interface DocumentsProps {
  base: string;
  filter: DocumentFilter;
  news: News | undefined;
  selection: Selection;
  /** Whether documents can be chosen, deleted and read again. */
  mayChange: boolean;
  onSelect: (selection: Selection) => void;
  onSort: (sort: Sort) => void;
  onDelete: (document: Document) => void;
  onAbout: (document: Document) => void;
}

/** A base's documents with where each of them is. Only the rows in sight are loaded and drawn. */
export function Documents({ base, filter, news, selection, mayChange, onSelect, onSort, onDelete, onAbout }: DocumentsProps) {
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [parts, setParts] = useState<readonly number[]>([0]);
  const found = useQueries({
    queries: parts.map((part) => documentsOf(base, filter, part)),
  });
  // The first part stays, with the number of all rows in it: without it the list would fold up while others load.
  const { data: start } = useQuery({ ...documentsOf(base, filter, 0), placeholderData: keepPreviousData });
  const total = start?.total;
  const rowAt = (index: number) => {
    const at = parts.indexOf(Math.floor(index / ROWS));
    return (found[at]?.data ?? (index < ROWS ? start : undefined))?.documents[index % ROWS];
  };
  const rows = useVirtualizer({
    count: total ?? 0,
    getScrollElement: () => document.getElementById("main"),
    estimateSize: () => ROW,
    getItemKey: (index) => rowAt(index)?.id ?? index,
    overscan: 8,
    scrollMargin: margin,
  });
  const items = rows.getVirtualItems();
  const first = items[0];
  const last = items[items.length - 1];
  const wanted = first && last ? span(Math.floor(first.index / ROWS), Math.floor(last.index / ROWS)) : [0];
  useLayoutEffect(() => {
    if (wanted.join() !== parts.join()) setParts(wanted);
  });
  useLayoutEffect(() => {
    const main = document.getElementById("main");
    if (!box.current || !main) return;
    const top = box.current.getBoundingClientRect().top - main.getBoundingClientRect().top + main.scrollTop;
    if (Math.abs(top - margin) > 1) setMargin(top);
  });
  const failed = found.find(({ error }) => error);
  if (failed?.error) return <ErrorPanel error={failed.error} onRetry={() => void failed.refetch()} />;
  if (total === undefined) return <SkeletonRows label={t("common.loading")} />;
  if (total === 0) return <p className="p-8 text-center text-muted">{t("common.noMatch")}</p>;
  const reading = new Map(news?.reading.map((one) => [one.document_id, one]));
  const toggle = (id: string) => {
    const ids = new Set(selection.ids);
    if (!ids.delete(id)) ids.add(id);
    onSelect({ all: false, ids });
  };
  const head = (key: SortKey, title: string, look = "") => (
    <SortHead key={key} of={key} title={title} sort={filter.sort} onSort={onSort} look={look} />
  );
  return (
    <div ref={box}>
      <table aria-label={t("knowledge.documents")} aria-rowcount={total + 1} className="w-full table-fixed border-collapse text-base">
        <thead>
          <tr className="text-sm text-muted">
            {mayChange ? (
              <th scope="col" className="w-10 border-b border-line py-2 pl-4 text-left">
                <input
                  type="checkbox"
                  aria-label={t("select.all", { count: total })}
                  checked={selection.all}
                  ref={(input) => {
                    if (input) input.indeterminate = !selection.all && selection.ids.size > 0;
                  }}
                  onChange={() => onSelect({ all: !selection.all && selection.ids.size === 0, ids: new Set() })}
                  className="size-4 align-middle accent-accent"
                />
              </th>
            ) : (
              <td className="w-4 border-b border-line" />
            )}
            {head("name", t("common.name"))}
            {head("state", t("knowledge.state"), "w-28 sm:w-44")}
            {head("passages", t("knowledge.passages"), "hidden w-24 text-right md:table-cell")}
            {head("size", t("knowledge.size"), "hidden w-24 text-right md:table-cell")}
            {head("updated", t("common.changed"), "hidden w-32 lg:table-cell")}
            <th scope="col" className="w-12 border-b border-line sm:w-22">
              <span className="sr-only">{t("common.actions")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          <Space height={(first?.start ?? margin) - margin} />
          {items.map((item) => {
            const row = rowAt(item.index);
            return (
              <tr
                key={item.key}
                ref={rows.measureElement}
                data-index={item.index}
                aria-rowindex={item.index + 2}
                className="border-b border-line hover:bg-canvas"
              >
                {row ? (
                  <DocumentRow
                    base={base}
                    document={row}
                    reading={reading.get(row.id)}
                    isSelected={selection.all || selection.ids.has(row.id)}
                    isFixed={selection.all}
                    mayChange={mayChange}
                    onToggle={toggle}
                    onDelete={onDelete}
                    onAbout={onAbout}
                  />
                ) : (
                  <td colSpan={NARROW} className="h-11 px-4">
                    <span className="block h-3 w-1/3 animate-pulse rounded-sm bg-sunken" />
                  </td>
                )}
              </tr>
            );
          })}
          <Space height={rows.getTotalSize() - ((last?.end ?? margin) - margin)} />
        </tbody>
      </table>
    </div>
  );
}

/** Columns on a phone; a cell over more would make columns of its own, which take from the names. */
const NARROW = 4;

const span = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, at) => from + at);

function Space({ height }: { height: number }) {
  if (height <= 0) return null;
  return (
    <tr aria-hidden>
      <td colSpan={NARROW} className="p-0" style={{ height }} />
    </tr>
  );
}

interface SortHeadProps {
  of: SortKey;
  title: string;
  sort: Sort | undefined;
  onSort: (sort: Sort) => void;
  look: string;
}

function SortHead({ of, title, sort, onSort, look }: SortHeadProps) {
  const up = sort === of;
  const down = sort === `-${of}`;
  const Icon = down ? ArrowDown : ArrowUp;
  return (
    <th
      scope="col"
      aria-sort={up ? "ascending" : down ? "descending" : "none"}
      className={cx("border-b border-line px-2 py-1 text-left font-medium sm:px-3", look)}
    >
      <button
        type="button"
        onClick={() => onSort(up ? `-${of}` : of)}
        className="group -mx-1 inline-flex items-center gap-1 rounded-sm px-1 py-1 whitespace-nowrap hover:text-ink"
      >
        {title}
        <Icon size={13} aria-hidden className={cx(!up && !down && "opacity-0 group-hover:opacity-50")} />
      </button>
    </th>
  );
}
