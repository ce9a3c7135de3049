import { useTranslation } from "react-i18next";

import type { CutDocument, CutPassage } from "@/api/chunking";
import { useFormat } from "@/i18n/format";
import { PassageText } from "@/pages/knowledge/PassageText";
import { Badge } from "@/ui/Badge";

/** Passages as they would be: parents with their parts in them, questions above their answers. */
export function CutCards({ cut, isQuestions }: { cut: CutDocument; isQuestions: boolean }) {
  const { t } = useTranslation();
  const more = cut.total - cut.passages.length;
  return (
    <>
      <ol aria-label={t("chunking.preview")} className="scroll-quiet flex max-h-[36rem] flex-col gap-2 overflow-y-auto pr-1" tabIndex={0}>
        {cut.passages.map((passage, place) => (
          <Card key={place} passage={passage} number={place + 1} isDue={isQuestions && passage.is_due} />
        ))}
      </ol>
      {more > 0 && <p className="mt-2 text-sm text-muted">{t("chunking.more", { count: more })}</p>}
    </>
  );
}

function Card({ passage, number, isDue }: { passage: CutPassage; number: number; isDue: boolean }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <li className="rounded-lg border border-line bg-surface px-3 py-2.5">
      <p className="mb-1 flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-muted">
        <span className="rounded-sm bg-sunken px-1.5 font-medium text-ink tabular-nums">{number}</span>
        <span className="tabular-nums">{t("chunking.tokenCount", { count: passage.tokens })}</span>
        {passage.page !== null && <span className="tabular-nums">{t("chunking.page", { page: format.number(passage.page) })}</span>}
        {passage.kind === "table" && <Badge>{t("chunking.table")}</Badge>}
        {isDue && <Badge tone="warn">{t("chunking.due")}</Badge>}
        {passage.heading_path.length > 0 && <span className="min-w-0 truncate">{passage.heading_path.join(" › ")}</span>}
      </p>
      {passage.answer === null ? (
        <PassageText text={passage.text} />
      ) : (
        <>
          <p className="font-medium">{passage.text}</p>
          <div className="mt-1 border-l-3 border-accent pl-3">
            <PassageText text={passage.answer} />
          </div>
        </>
      )}
      {passage.parts.length > 0 && !isDue && (
        <ol aria-label={t("chunking.parts", { count: passage.parts.length })} className="mt-2 flex flex-col gap-1.5">
          {passage.parts.map((part, place) => (
            <li key={place} className="border-l-3 border-line py-0.5 pl-3 text-sm">
              <span className="text-muted tabular-nums">
                {number}.{place + 1} · {t("chunking.tokenCount", { count: part.tokens })}
              </span>
              <PassageText text={part.text} />
            </li>
          ))}
        </ol>
      )}
    </li>
  );
}
