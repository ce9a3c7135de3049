import type { ReactNode } from "react";

import { cx } from "@/ui/classes";

export interface Column<Row> {
  readonly id: string;
  readonly title: string;
  /** The title is for screen readers only. */
  readonly hideTitle?: boolean;
  readonly cell: (row: Row) => ReactNode;
  /** Numbers stand right. */
  readonly align?: "right";
  /** Hidden on a narrow screen. */
  readonly wideOnly?: boolean;
  readonly className?: string;
}

interface TableProps<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Shown instead of rows. */
  empty?: ReactNode;
}

export function Table<Row>({ label, columns, rows, rowKey, empty }: TableProps<Row>) {
  const shape = (column: Column<Row>) =>
    cx(column.align === "right" && "text-right", column.wideOnly && "hidden md:table-cell", column.className);
  if (rows.length === 0 && empty) return <>{empty}</>;
  return (
    <div className="scroll-quiet relative overflow-x-auto" tabIndex={0}>
      <table aria-label={label} className="w-full border-collapse text-base">
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                className={cx(
                  "border-b border-line px-4 py-2 text-left text-sm font-medium whitespace-nowrap text-muted",
                  shape(column),
                )}
              >
                {column.hideTitle ? <span className="sr-only">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={rowKey(row)} className="border-b border-line last:border-b-0 hover:bg-canvas">
              {columns.map((column) => (
                <td key={column.id} className={cx("px-4 py-2.5 align-top [&>button]:-my-1", shape(column))}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
