import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { ErrorPanel } from "@/frame/ErrorPanel";
import { Input } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

interface ListingProps<Row> {
  label: string;
  filterLabel: string;
  typed: string;
  onType: (typed: string) => void;
  /** Beside the filter. */
  tools?: ReactNode;
  /** All there are; none: they are loading. */
  all: readonly Row[] | undefined;
  shown: readonly Row[];
  columns: readonly Column<Row>[];
  rowKey: (row: Row) => string;
  /** Where there is nothing at all: says what belongs here. */
  empty: ReactNode;
  error: unknown;
  onRetry: () => void;
}

/** A room's list: filtered as one types, with its skeleton, its empty state and its failure. */
export function Listing<Row>({ label, filterLabel, typed, onType, tools, all, shown, columns, rowKey, empty, error, onRetry }: ListingProps<Row>) {
  const { t } = useTranslation();
  if (error) return <ErrorPanel error={error} onRetry={onRetry} />;
  return (
    <Panel flush>
      {all && all.length > 0 && (
        <div className="flex flex-wrap items-center gap-2 border-b border-line p-3">
          <Input
            type="search"
            aria-label={filterLabel}
            placeholder={filterLabel}
            value={typed}
            onChange={(event) => onType(event.target.value)}
            className="max-w-72 grow basis-40"
          />
          {tools}
        </div>
      )}
      {!all && <SkeletonRows label={t("common.loading")} />}
      {all && (
        <Table
          label={label}
          columns={columns}
          rows={shown}
          rowKey={rowKey}
          empty={all.length === 0 ? empty : <p className="p-8 text-center text-muted">{t("common.noMatch")}</p>}
        />
      )}
    </Panel>
  );
}
