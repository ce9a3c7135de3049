import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { FileText, Sparkles } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { type CutDocument, type Rule, cutBy, previewKey, previewOf } from "@/api/chunking";
import { documentsOf } from "@/api/documents";
import { ApiError } from "@/api/errors";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { CutCards } from "@/pages/knowledge/chunking/CutCards";
import { costOf, wholeOf } from "@/pages/knowledge/chunking/cost";
import { Button } from "@/ui/Button";
import { Choose, Field } from "@/ui/Field";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

const SETTLE_MS = 500;
const ASKED = 3; // parts that the model is tried with

interface ChunkingPreviewProps {
  base: string;
  rule: Rule;
  isSound: boolean;
  isQuestions: boolean;
  /** Tells what is shown, for what cutting all documents would cost. */
  onSeen: (seen: CutDocument | null) => void;
}

/** What one of the base's documents would be under the rule, as it is written. */
export function ChunkingPreview({ base, rule, isSound, isQuestions, onSeen }: ChunkingPreviewProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: list } = useQuery(documentsOf(base, { state: "ready" }, 0));
  const [chosen, setChosen] = useState("");
  const documents = (list?.documents ?? []).filter(({ chunk_count }) => chunk_count > 0);
  const document = documents.find(({ id }) => id === chosen) ?? documents[0];
  const settled = useSettled(rule, SETTLE_MS);
  const { data, error, isFetching, isPlaceholderData, refetch } = useQuery(previewOf(document?.id ?? "", settled, isSound));
  const ask = useMutation({
    mutationFn: () => cutBy(document?.id ?? "", settled, ASKED),
    onSuccess: (cut) => client.setQueryData(previewKey(document?.id ?? "", settled), cut),
  });
  const reset = ask.reset;
  useEffect(() => reset(), [reset, settled, document?.id]);
  useEffect(() => onSeen(data && !error && !isPlaceholderData ? data : null), [onSeen, data, error, isPlaceholderData]);
  if (list && !document) {
    return <EmptyState icon={FileText} title={t("chunking.noDocument")} text={t("chunking.noDocumentText")} />;
  }
  return (
    <section aria-label={t("chunking.preview")} aria-busy={isFetching} className="flex min-w-0 flex-col gap-4">
      <Field label={t("chunking.previewOf")}>
        {(ids) => (
          <Choose {...ids} value={document?.id ?? ""} onChange={(event) => setChosen(event.target.value)}>
            {documents.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </Choose>
        )}
      </Field>
      {error && isSound && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!data && !error && <SkeletonRows rows={6} label={t("common.loading")} />}
      {data && !error && (
        <>
          <Summary cut={data} />
          {isQuestions && <Asking cut={data} busy={ask.isPending} error={ask.error} onAsk={() => ask.mutate()} />}
          <div className={cx("transition-opacity duration-(--quick)", isPlaceholderData && "opacity-50")}>
            <CutCards cut={data} isQuestions={isQuestions} />
          </div>
        </>
      )}
    </section>
  );
}

/** The value once it has stayed the same for a while. */
function useSettled(value: Rule, ms: number): Rule {
  const [settled, setSettled] = useState(value);
  const said = JSON.stringify(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(JSON.parse(said) as Rule), ms);
    return () => clearTimeout(timer);
  }, [said, ms]);
  return settled;
}

function Summary({ cut }: { cut: CutDocument }) {
  const { t } = useTranslation();
  const format = useFormat();
  const one = costOf(cut);
  const whole = wholeOf(cut);
  const rows = [
    ["passages", one.passages, whole?.passages],
    ["embedded", one.embedded, whole?.embedded],
    ...(cut.questions ? ([["calls", one.calls, whole?.calls]] as const) : []),
  ] as const;
  return (
    <dl className="grid grid-cols-2 gap-2 sm:grid-cols-3">
      {rows.map(([name, value, all]) => (
        <div key={name} className="rounded-md bg-sunken px-3 py-2">
          <dt className="text-sm text-muted">{t(`chunking.count.${name}`)}</dt>
          <dd className="text-lg font-semibold tabular-nums">{format.number(value)}</dd>
          {all !== undefined && <dd className="text-sm text-muted tabular-nums">{t("chunking.whole", { count: all })}</dd>}
        </div>
      ))}
    </dl>
  );
}

interface AskingProps {
  cut: CutDocument;
  busy: boolean;
  error: unknown;
  onAsk: () => void;
}

/** What asking the model costs, and trying it with a few parts. */
function Asking({ cut, busy, error, onAsk }: AskingProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const asked = cut.questions;
  if (!asked) return null;
  if (asked.error_code) {
    const { error_code, error_message, error_hint } = asked;
    return <ErrorPanel error={new ApiError(0, { code: error_code, message: error_message, hint: error_hint, param: null, request_id: null })} />;
  }
  const due = asked.parts - asked.known;
  const whole = wholeOf(cut);
  return (
    <div className="flex flex-col gap-2 rounded-md border border-line p-3">
      <p className="text-base">
        {t("chunking.known", { known: format.number(asked.known), count: asked.parts })}{" "}
        <span className="text-muted">
          {due > 0 &&
            t("chunking.tokens", { model: asked.model, input: format.number(asked.input_tokens), output: format.number(asked.output_tokens) })}
          {due > 0 && asked.usd !== null && ` · ${t("chunking.usd", { usd: format.usd(asked.usd) })}`}
          {due > 0 && whole?.usd != null && ` · ${t("chunking.wholeUsd", { usd: format.usd(whole.usd) })}`}
        </span>
      </p>
      {error ? <ErrorPanel error={error} /> : null}
      {due > 0 && (
        <p className="flex flex-wrap items-center gap-3">
          <Button size="small" icon={Sparkles} busy={busy} onClick={onAsk}>
            {t("chunking.ask", { count: Math.min(ASKED, due) })}
          </Button>
          <span className="text-sm text-muted">{t("chunking.askText")}</span>
        </p>
      )}
    </div>
  );
}
