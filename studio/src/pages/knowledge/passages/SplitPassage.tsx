import { Scissors } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Document, type Passage, api, body } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { piecesOf } from "@/pages/knowledge/passages/pieces";
import { useChange } from "@/pages/knowledge/passages/work";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

interface SplitPassageProps {
  document: Document;
  passage: Passage;
  onEnd: () => void;
}

/** Where the second of two passages shall begin. */
export function SplitPassage({ document, passage, onEnd }: SplitPassageProps) {
  const { t, i18n } = useTranslation();
  const pieces = useMemo(() => piecesOf(passage.text, passage.kind, i18n.language), [passage, i18n.language]);
  const [at, setAt] = useState<number | null>(null);
  const split = useChange(
    document.id,
    (place: number) => {
      const path = { document_id: document.id, passage_id: passage.id };
      return body(api.POST("/documents/{document_id}/passages/{passage_id}/split", { params: { path }, body: { at: place } }));
    },
    { quiet: true },
  );
  return (
    <div
      role="group"
      aria-label={t("passages.splitTitle", { number: passage.ordinal + 1 })}
      onKeyDown={(event) => event.key === "Escape" && onEnd()}
    >
      <p className="mb-2 text-sm text-muted">{t(pieces.length > 1 ? "passages.splitText" : "passages.splitNot")}</p>
      {split.error && <ErrorPanel error={split.error} />}
      <div className="leading-relaxed">
        {pieces.map((piece, index) => (
          <div key={piece.at}>
            {index > 0 && (
              <button
                type="button"
                autoFocus={index === 1}
                aria-pressed={at === piece.at}
                aria-label={t("passages.splitHere", { before: piece.text.trim().slice(0, 40) })}
                onClick={() => setAt(piece.at)}
                className={cx(
                  "group flex h-5 w-full items-center gap-2 rounded-sm text-faint hover:text-accent-ink focus-visible:text-accent-ink",
                  at === piece.at && "text-accent-ink",
                )}
              >
                <Scissors size={13} aria-hidden className="shrink-0" />
                <span
                  aria-hidden
                  className={cx("grow border-t", at === piece.at ? "border-accent" : "border-dashed border-line group-hover:border-accent")}
                />
              </button>
            )}
            <p className={cx("rounded-sm px-1 whitespace-pre-wrap", at !== null && piece.at >= at && "bg-accent-soft")}>{piece.text.replace(/\n+$/, "")}</p>
          </div>
        ))}
      </div>
      <p className="mt-3 text-sm text-muted">{t("passages.onlyBoth")}</p>
      <div className="mt-2 flex flex-wrap justify-end gap-2">
        <Button size="small" onClick={onEnd}>
          {t("common.cancel")}
        </Button>
        <Button
          size="small"
          kind="primary"
          icon={Scissors}
          busy={split.isPending}
          disabled={at === null}
          onClick={() =>
            at !== null &&
            split.mutate(at, {
              onSuccess: () => {
                toast(t("passages.splitDone"));
                onEnd();
              },
            })
          }
        >
          {t("passages.split")}
        </Button>
      </div>
    </div>
  );
}
