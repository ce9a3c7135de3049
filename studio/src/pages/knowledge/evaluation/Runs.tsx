import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api } from "@/api/client";
import { type Evaluation, evaluationsKey } from "@/api/evaluation";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { useFormat } from "@/i18n/format";
import { settingName } from "@/pages/knowledge/evaluation/names";
import { IconButton } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { type Column, Table } from "@/ui/Table";

interface RunsProps {
  base: string;
  runs: readonly Evaluation[];
  chosen: string;
  onChoose: (id: string) => void;
}

/** Runs by date; those of the same questions as the chosen one tell how much better or worse they were. */
export function Runs({ base, runs, chosen, onChoose }: RunsProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const client = useQueryClient();
  const [losing, setLosing] = useState<Evaluation | null>(null);
  const lose = useMutation({
    mutationFn: (evaluation: string) =>
      api.DELETE("/knowledge/{base}/evaluations/{evaluation}", { params: { path: { base, evaluation } } }),
    onSuccess: async () => {
      setLosing(null);
      await client.invalidateQueries({ queryKey: evaluationsKey(base) });
    },
  });
  const current = runs.find(({ id }) => id === chosen);
  const scoreOf = ({ settings, best }: Evaluation) => settings.find(({ name }) => name === best)?.ndcg_at_10;
  const difference = (one: Evaluation): string => {
    const [here, there] = [current && scoreOf(current), scoreOf(one)];
    if (one.id === chosen || one.digest !== current?.digest || here === undefined || there === undefined) return "";
    const points = there - here;
    return `${points < 0 ? "−" : "+"}${format.number(Math.abs(points), 3)}`;
  };
  const columns: Column<Evaluation>[] = [
    {
      id: "when",
      title: t("evaluation.when"),
      cell: (one) => (
        <>
          <button
            type="button"
            aria-current={one.id === chosen}
            onClick={() => onChoose(one.id)}
            className="text-left font-medium text-accent-ink hover:underline aria-[current=true]:text-ink"
          >
            {format.date(one.created_at)}
          </button>
          <span className="block text-sm break-words text-muted">{one.name}</span>
        </>
      ),
    },
    { id: "state", title: t("evaluation.state"), wideOnly: true, cell: ({ state }) => t(`evaluation.states.${state}`) },
    { id: "count", title: t("evaluation.questions"), align: "right", wideOnly: true, cell: ({ total }) => format.number(total) },
    {
      id: "best",
      title: t("evaluation.best"),
      wideOnly: true,
      cell: ({ best }) => (best ? t(`evaluation.setting.${settingName(best)}`) : "–"),
    },
    {
      id: "score",
      title: t("evaluation.ndcg_at_10"),
      align: "right",
      cell: (one) => {
        const score = scoreOf(one);
        return (
          <span className="tabular-nums">
            {score === undefined ? "–" : format.number(score, 3)} <span className="text-sm text-muted">{difference(one)}</span>
          </span>
        );
      },
    },
    {
      id: "lose",
      title: t("common.delete"),
      hideTitle: true,
      align: "right",
      cell: (one) => <IconButton icon={Trash2} label={t("evaluation.delete")} size="small" onClick={() => setLosing(one)} />,
    },
  ];
  return (
    <Panel title={t("evaluation.runs")} hint={t("evaluation.runsText")} flush>
      <Table label={t("evaluation.runs")} columns={columns} rows={runs} rowKey={({ id }) => id} />
      <ConfirmChange
        open={losing !== null}
        onClose={() => setLosing(null)}
        onConfirm={() => losing && lose.mutate(losing.id)}
        change={lose}
        title={t("evaluation.delete")}
        text={t("evaluation.deleteText", { name: losing?.name ?? "" })}
        confirmLabel={t("common.delete")}
      />
    </Panel>
  );
}
