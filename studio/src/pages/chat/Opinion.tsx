import { ThumbsDown, ThumbsUp } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { Opinion as Kept } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Button, IconButton } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Field, TextArea } from "@/ui/Field";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

interface OpinionProps {
  answer: string;
  opinion: Kept | null;
  /** Rejects when the server would not keep it. */
  onRate: (opinion: Kept | null) => Promise<void>;
}

/** Thumbs: up keeps at once; down asks why, and for the answer as it should have been. */
export function Opinion({ answer, opinion, onRate }: OpinionProps) {
  const { t } = useTranslation();
  const [asking, setAsking] = useState(false);
  const rating = opinion?.rating;
  const rate = (next: Kept | null) => {
    onRate(next).catch((error: unknown) => toast(t("chat.opinion.failed"), { text: error instanceof Error ? error.message : "", bad: true }));
  };
  return (
    <>
      <IconButton
        icon={ThumbsUp}
        size="small"
        label={t("chat.opinion.like")}
        aria-pressed={rating === "like"}
        className={cx(rating === "like" && "bg-good-soft text-good")}
        onClick={() => rate(rating === "like" ? null : { rating: "like", reason: "", correction: "" })}
      />
      <IconButton
        icon={ThumbsDown}
        size="small"
        label={t("chat.opinion.dislike")}
        aria-pressed={rating === "dislike"}
        className={cx(rating === "dislike" && "bg-bad-soft text-bad")}
        onClick={() => setAsking(true)}
      />
      <Dialog
        open={asking}
        onClose={() => setAsking(false)}
        title={t("chat.opinion.title")}
        hint={t("chat.opinion.text")}
        closeLabel={t("common.close")}
        wide
      >
        <Why answer={answer} opinion={opinion} onRate={onRate} onDone={() => setAsking(false)} />
      </Dialog>
    </>
  );
}

function Why({ answer, opinion, onRate, onDone }: OpinionProps & { onDone: () => void }) {
  const { t } = useTranslation();
  const old = opinion?.rating === "dislike" ? opinion : null;
  const [reason, setReason] = useState(old?.reason ?? "");
  const [correction, setCorrection] = useState(old?.correction || answer);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const send = (next: Kept | null) => {
    setBusy(true);
    onRate(next).then(
      () => {
        toast(t(next ? "chat.opinion.kept" : "chat.opinion.takenBack"));
        onDone();
      },
      (failure: unknown) => {
        setError(failure);
        setBusy(false);
      },
    );
  };
  const right = correction.trim();
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        send({ rating: "dislike", reason: reason.trim(), correction: right === answer.trim() ? "" : right });
      }}
    >
      {error !== null && <ErrorPanel error={error} />}
      <Field label={t("chat.opinion.reason")} hint={t("common.optional")}>
        {(ids) => <TextArea {...ids} autoFocus value={reason} maxLength={5_000} onChange={(event) => setReason(event.target.value)} />}
      </Field>
      <Field label={t("chat.opinion.correction")} hint={t("chat.opinion.correctionText")}>
        {(ids) => (
          <TextArea
            {...ids}
            value={correction}
            maxLength={50_000}
            onChange={(event) => setCorrection(event.target.value)}
            className="field-sizing-content max-h-72 min-h-32"
          />
        )}
      </Field>
      <DialogActions>
        {old && (
          <Button kind="quiet" onClick={() => send(null)} disabled={busy}>
            {t("chat.opinion.takeBack")}
          </Button>
        )}
        <Button onClick={onDone}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={busy}>
          {t("chat.opinion.keep")}
        </Button>
      </DialogActions>
    </form>
  );
}

/** What was said of the answer, below it. */
export function OpinionNote({ opinion }: { opinion: Kept }) {
  const { t } = useTranslation();
  if (!opinion.reason && !opinion.correction) return null;
  return (
    <aside aria-label={t("chat.opinion.yours")} className="rounded-lg border border-line bg-canvas px-4 py-3 text-base">
      {opinion.reason && <p className="text-muted">{opinion.reason}</p>}
      {opinion.correction && (
        <>
          <p className={cx("text-xs font-medium text-good", opinion.reason && "mt-2")}>{t("chat.opinion.corrected")}</p>
          <p className="mt-0.5 break-words whitespace-pre-wrap">{opinion.correction}</p>
        </>
      )}
    </aside>
  );
}
