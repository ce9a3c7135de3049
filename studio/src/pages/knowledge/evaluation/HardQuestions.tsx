import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Evaluation, type Judged, judgedOf } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { settingName } from "@/pages/knowledge/evaluation/names";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";
import { cx } from "@/ui/classes";

const SOME = 20;
const ALL = 1000;

/** Every question with where the right document stood in each way of searching; each opens the retrieval test. */
export function HardQuestions({ base, evaluation }: { base: string; evaluation: Evaluation }) {
  const { t } = useTranslation();
  const [limit, setLimit] = useState(SOME);
  const { data, error, refetch } = useQuery({ ...judgedOf(base, evaluation.id, limit), placeholderData: (before) => before });
  const measured = evaluation.settings.filter(({ questions }) => questions > 0);
  const columns: Column<Judged>[] = [
    {
      id: "question",
      title: t("evaluation.question"),
      cell: ({ question, expected }) => (
        <>
          <Link
            to="/knowledge/$base/retrieval"
            params={{ base }}
            search={{ query: question }}
            className="font-medium break-words text-accent-ink hover:underline"
          >
            {question}
          </Link>
          <span className="block text-sm break-words text-muted">{expected.map(({ name }) => name).join(", ")}</span>
        </>
      ),
    },
    ...measured.map(
      ({ name }): Column<Judged> => ({
        id: name,
        title: t(`evaluation.setting.${settingName(name)}`),
        align: "right",
        cell: ({ places }) => <Rank rank={places?.[name]?.rank ?? null} />,
      }),
    ),
  ];
  return (
    <Panel title={t("evaluation.hard")} hint={t("evaluation.hardText")} flush>
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows label={t("common.loading")} />}
      {data && (
        <>
          <Table label={t("evaluation.hard")} columns={columns} rows={data.questions} rowKey={({ ordinal }) => String(ordinal)} />
          {data.hidden > 0 && <p className="px-4 py-2.5 text-sm text-muted">{t("evaluation.hidden", { count: data.hidden })}</p>}
          {data.questions.length < data.total && (
            <div className="p-3 text-center">
              <Button onClick={() => setLimit(ALL)}>{t("evaluation.more", { count: data.total - data.questions.length })}</Button>
            </div>
          )}
        </>
      )}
    </Panel>
  );
}

function Rank({ rank }: { rank: number | null }) {
  const { t } = useTranslation();
  if (rank === null) return <span className="text-bad">{t("evaluation.notFound")}</span>;
  return <span className={cx("tabular-nums", rank === 1 ? "text-good" : rank > 10 && "text-warn")}>{rank}</span>;
}
