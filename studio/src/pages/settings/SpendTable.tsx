import { CircleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useFormat } from "@/i18n/format";
import { type Dimension, type Measure, type SpendRow, totalOf, valueOf } from "@/pages/settings/spend";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";

interface SpendTableProps {
  rows: readonly SpendRow[];
  by: Dimension;
  of: Measure;
  nameOf: (row: SpendRow) => string;
  onPrices: () => void;
}

const MOST = 100;

/** Who or what used most, with all numbers. */
export function SpendTable({ rows, by, of, nameOf, onPrices }: SpendTableProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const total = totalOf(rows, of);
  const sorted = [...rows].sort((one, other) => valueOf(other, of) - valueOf(one, of));
  const free = by === "model" ? rows.filter((row) => row.usd === 0 && valueOf(row, "tokens") > 0) : [];
  const estimated = rows.reduce((sum, row) => sum + row.estimated, 0);
  const columns: Column<SpendRow>[] = [
    {
      id: "name",
      title: t(`spend.by.${by}`),
      className: "w-full min-w-40",
      cell: (row) => {
        const part = total > 0 ? valueOf(row, of) / total : 0;
        return (
          <>
            <p className="font-medium break-words">{nameOf(row)}</p>
            <div className="mt-1 flex items-center gap-2">
              <div aria-hidden className="h-1 max-w-48 grow overflow-hidden rounded-full bg-line">
                <div className="h-full rounded-full bg-accent" style={{ width: `${part * 100}%` }} />
              </div>
              <span className="text-xs text-muted tabular-nums">{format.percent(part)}</span>
            </div>
          </>
        );
      },
    },
    { id: "usd", title: t("spend.measure.usd"), align: "right", cell: (row) => <span className="tabular-nums">{format.usd(row.usd)}</span> },
    { id: "requests", title: t("spend.measure.requests"), align: "right", cell: (row) => number(row.requests) },
    { id: "failures", title: t("spend.measure.failures"), align: "right", wideOnly: true, cell: (row) => number(row.failures) },
    { id: "in", title: t("spend.in"), align: "right", wideOnly: true, cell: (row) => number(row.prompt_tokens) },
    { id: "out", title: t("spend.out"), align: "right", wideOnly: true, cell: (row) => number(row.completion_tokens) },
  ];
  return (
    <Panel flush>
      {free.length > 0 && (
        <div className="flex flex-wrap items-center gap-x-3 gap-y-2 rounded-t-lg border-b border-line bg-info-soft px-4 py-2.5 text-base">
          <CircleAlert size={16} className="shrink-0 text-info" aria-hidden />
          <p className="min-w-0 grow basis-60">{t("spend.free", { names: free.slice(0, 3).map(nameOf).join(", "), count: free.length })}</p>
          <Button size="small" onClick={onPrices}>
            {t("spend.setPrice")}
          </Button>
        </div>
      )}
      <Table label={t(`spend.by.${by}`)} columns={columns} rows={sorted.slice(0, MOST)} rowKey={(row) => row.by[by] ?? ""} />
      {(rows.length > MOST || estimated > 0) && (
        <p className="border-t border-line px-4 py-2.5 text-sm text-muted">
          {[
            rows.length > MOST && t("spend.cut", { count: MOST, all: format.number(rows.length) }),
            estimated > 0 && t("spend.estimated", { count: estimated }),
          ]
            .filter(Boolean)
            .join(" ")}
        </p>
      )}
    </Panel>
  );

  function number(value: number) {
    return <span className="tabular-nums">{format.number(value)}</span>;
  }
}
