import { type KeyboardEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";

import { composing } from "@/actions/keys";
import { type Document, type Passage, api, body } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { reveal } from "@/pages/knowledge/passages/scrolling";
import { type Draft, type Work, useChange, wordsIn } from "@/pages/knowledge/passages/work";
import { Button } from "@/ui/Button";
import { Field, Input, TextArea } from "@/ui/Field";
import { toast } from "@/ui/Toasts";

interface PassageFormProps {
  document: Document;
  work: Exclude<Work, { kind: "split" }>;
  draft: Draft;
  dirty: boolean;
  onWrite: (draft: Draft) => void;
  onEnd: () => void;
  onSaved: (passage: Passage) => void;
}

/** A passage's own words, or those of a new one. */
export function PassageForm({ document, work, draft, dirty, onWrite, onEnd, onSaved }: PassageFormProps) {
  const { t } = useTranslation();
  const form = useRef<HTMLFormElement>(null);
  const save = useChange(document.id, () => (work.kind === "edit" ? change(work.passage, draft) : add(document, work, draft)), {
    quiet: true,
  });
  useEffect(() => reveal(form.current, "nearest"), []);
  const isPart = work.kind === "edit" ? work.passage.parent_id !== null : work.parent !== undefined;
  const isAsked = draft.answer !== null;
  const press = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit();
    else if (event.key === "Escape" && !dirty) onEnd();
    else return;
    event.preventDefault();
  };
  return (
    <form
      ref={form}
      onKeyDown={press}
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(undefined, {
          onSuccess: (passage) => {
            toast(t(work.kind === "edit" ? "passages.saved" : "passages.added"));
            onSaved(passage);
          },
        });
      }}
      className="flex flex-col gap-3"
    >
      {save.error && <ErrorPanel error={save.error} />}
      <Field label={t(isAsked ? "passages.question" : "passages.text")}>
        {(ids) => (
          <TextArea
            {...ids}
            autoFocus
            required
            maxLength={40_000}
            rows={Math.min(18, Math.max(4, Math.ceil(draft.text.length / 60) + draft.text.split("\n").length))}
            value={draft.text}
            onChange={(event) => onWrite({ ...draft, text: event.target.value })}
            className="leading-relaxed"
          />
        )}
      </Field>
      {draft.answer !== null && (
        <Field label={t("passages.answer")}>
          {(ids) => (
            <TextArea
              {...ids}
              rows={4}
              maxLength={40_000}
              value={draft.answer ?? ""}
              onChange={(event) => onWrite({ ...draft, answer: event.target.value })}
              className="leading-relaxed"
            />
          )}
        </Field>
      )}
      {!isPart && (
        <Field label={t("passages.keywords")} hint={t("passages.keywordsText")}>
          {(ids) => (
            <Input {...ids} value={draft.keywords} onChange={(event) => onWrite({ ...draft, keywords: event.target.value })} />
          )}
        </Field>
      )}
      <p className="text-sm text-muted">{t(work.kind === "edit" ? "passages.onlyThis" : "passages.onlyNew")}</p>
      <div className="flex flex-wrap justify-end gap-2">
        <Button size="small" onClick={onEnd}>
          {t("common.cancel")}
        </Button>
        <Button size="small" type="submit" kind="primary" busy={save.isPending} disabled={!dirty || draft.text.trim() === ""}>
          {t("common.save")}
        </Button>
      </div>
    </form>
  );
}

function change(passage: Passage, { text, answer, keywords }: Draft): Promise<Passage> {
  const path = { document_id: passage.document_id, passage_id: passage.id };
  return body(
    api.PATCH("/documents/{document_id}/passages/{passage_id}", { params: { path }, body: { text, answer, keywords: wordsIn(keywords) } }),
  );
}

function add(document: Document, { after, parent }: { after?: Passage; parent?: Passage }, draft: Draft): Promise<Passage> {
  const written = { text: draft.text, answer: draft.answer, keywords: wordsIn(draft.keywords), after: after?.id ?? null };
  if (parent) {
    const path = { document_id: document.id, passage_id: parent.id };
    return body(api.POST("/documents/{document_id}/passages/{passage_id}/parts", { params: { path }, body: written }));
  }
  return body(api.POST("/documents/{document_id}/passages", { params: { path: { document_id: document.id } }, body: written }));
}
