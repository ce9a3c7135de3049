import { Ban, FileText, Hourglass, RotateCw, Unplug } from "lucide-react";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import type { Citation } from "@/api/ask";
import type { Opinion as Kept } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { AskedForms } from "@/pages/chat/AskedForms";
import { Opinion, OpinionNote } from "@/pages/chat/Opinion";
import { Steps } from "@/pages/chat/Steps";
import { type Exchange, isUnderWay } from "@/pages/chat/exchange";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Markdown } from "@/ui/Markdown";
import { Progress } from "@/ui/Progress";
import { CITATION_MARK } from "@/ui/classes";

interface AnswerProps {
  /** The app's id, or the code of its public page. */
  app: string;
  exchange: Exchange;
  /** false: the numbers of sources are left out of the text. */
  showsMarks?: boolean;
  onCitation: (citation: Citation) => void;
  /** Undefined while it cannot be asked again. */
  onAgain?: (() => void) | undefined;
  onRate?: (opinion: Kept | null) => Promise<void>;
  /** Something became of a form that the answer waits for. */
  onAnswered?: () => void;
}

export function Answer({ app, exchange, showsMarks = true, onCitation, onAgain, onRate, onAnswered }: AnswerProps) {
  const { t } = useTranslation();
  const { answer, state, kind, model, error, citations, opinion, steps, forms, isLost } = exchange;
  const waits = forms.some((form) => form.state === "waiting");
  const over = !isUnderWay(exchange);
  const mark = useCallback(
    (position: number) => {
      if (!showsMarks) return <></>;
      const found = citations.find((one) => one.position === position);
      return found ? <CitationMark citation={found} onOpen={onCitation} /> : null;
    },
    [citations, onCitation, showsMarks],
  );
  return (
    <div aria-busy={!over} className="flex min-w-0 flex-col gap-3">
      {steps.some(({ tool }) => tool || state === "waiting") && <Steps steps={steps} isUnderWay={!over && !isLost} />}
      {state === "waiting" && !isLost && steps.length === 0 && <Waiting exchange={exchange} />}
      {answer && (
        <Markdown
          text={answer}
          streaming={state === "writing"}
          mark={mark}
          copyLabel={t("common.copy")}
          copiedLabel={t("common.copied")}
        />
      )}
      {exchange.id !== null && forms.length > 0 && (
        <AskedForms app={app} message={exchange.id} forms={forms} onAnswered={onAnswered ?? (() => undefined)} />
      )}
      {isLost && (
        <p role="status" className="flex items-center gap-2 text-sm text-warn">
          <Unplug size={15} className="shrink-0" aria-hidden />
          {t("chat.lost")}
        </p>
      )}
      {error && <ErrorPanel error={error} {...(onAgain && { onRetry: onAgain })} />}
      {citations.length > 0 && (
        <ul aria-label={t("chat.sources")} className="flex flex-wrap gap-1.5">
          {citations.map((citation) => (
            <li key={citation.position} className="max-w-full">
              <CitationChip citation={citation} onOpen={onCitation} />
            </li>
          ))}
        </ul>
      )}
      {over && !error && (
        <div className="-ml-1.5 flex flex-wrap items-center gap-1 text-sm text-muted">
          {answer && <Copy text={answer} label={t("chat.copy")} doneLabel={t("common.copied")} />}
          {onAgain && <IconButton icon={RotateCw} size="small" label={t("chat.again")} onClick={onAgain} />}
          {onRate && answer && <Opinion answer={answer} opinion={opinion} onRate={onRate} />}
          {state === "stopped" && (
            <Badge tone="warn" icon={Ban}>
              {t("chat.stopped")}
            </Badge>
          )}
          {state === "paused" && !waits && (
            <Badge tone="accent" icon={Hourglass}>
              {t("chat.paused")}
            </Badge>
          )}
          {kind && state !== "stopped" && state !== "paused" && (
            <span className="pl-1.5 text-faint">
              {t(`chat.kind.${kind}`)}
              {model && ` · ${model}`}
            </span>
          )}
        </div>
      )}
      {opinion && <OpinionNote opinion={opinion} />}
    </div>
  );
}

function Waiting({ exchange: { reading } }: { exchange: Exchange }) {
  const { t } = useTranslation();
  if (!reading) {
    return (
      <p role="status" className="animate-pulse text-muted">
        {t("chat.searching")}
      </p>
    );
  }
  const text = t("chat.reading", { ready: reading.ready, count: reading.total });
  return (
    <div role="status" className="max-w-sm">
      <p className="mb-2 text-muted">{text}</p>
      <Progress part={reading.total ? reading.ready / reading.total : null} label={text} />
    </div>
  );
}

interface CitationProps {
  citation: Citation;
  onOpen: (citation: Citation) => void;
}

/** The number in the running text. */
export function CitationMark({ citation, onOpen }: CitationProps) {
  const { t } = useTranslation();
  const label = t("chat.source", { position: citation.position, document: citation.document });
  return (
    <button
      type="button"
      aria-label={label}
      title={citation.document}
      onClick={() => onOpen(citation)}
      className={CITATION_MARK}
    >
      {citation.position}
    </button>
  );
}

/** The document under the answer. */
export function CitationChip({ citation, onOpen }: CitationProps) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      onClick={() => onOpen(citation)}
      className="inline-flex h-7 max-w-full items-center gap-1.5 rounded-md border border-line bg-surface px-2 text-sm text-muted hover:border-control hover:text-ink"
    >
      <span className="font-semibold text-accent-ink">{citation.position}</span>
      <FileText size={13} className="shrink-0" aria-hidden />
      <span className="truncate">{citation.document}</span>
      {citation.page !== null && <span className="shrink-0 text-faint">{t("chat.page", { page: citation.page })}</span>}
    </button>
  );
}
