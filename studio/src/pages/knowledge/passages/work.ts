/** What somebody does with a passage just now, and what they wrote; one at a time. */

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";

import type { Passage } from "@/api/client";
import { asApiError } from "@/api/errors";
import { toast } from "@/ui/Toasts";

export type Work =
  | { readonly kind: "edit"; readonly passage: Passage }
  | { readonly kind: "split"; readonly passage: Passage }
  /** `after`: the passage it stands behind; none: at the end. `parent`: of which it is a part. */
  | { readonly kind: "add"; readonly after?: Passage; readonly parent?: Passage };

export interface Draft {
  readonly text: string;
  readonly answer: string | null;
  readonly keywords: string;
}

const EMPTY: Draft = { text: "", answer: null, keywords: "" };

/** Keywords as they are written in one line. */
export const wordsIn = (keywords: string): string[] => [
  ...new Set(keywords.split(/[,，、\n]/).map((word) => word.trim()).filter(Boolean)),
];

export const draftOf = (work: Work | null): Draft => {
  if (work?.kind === "edit") {
    const { text, answer, keywords } = work.passage;
    return { text, answer, keywords: keywords.join(", ") };
  }
  if (work?.kind === "add") return { ...EMPTY, answer: work.after?.answer == null ? null : "" };
  return EMPTY;
};

export function useWork() {
  const [work, setWork] = useState<Work | null>(null);
  const [draft, setDraft] = useState(EMPTY);
  const [next, setNext] = useState<Work | null>(null);
  const begun = draftOf(work);
  const dirty = work !== null && (draft.text !== begun.text || draft.answer !== begun.answer || draft.keywords !== begun.keywords);
  const turnTo = (to: Work | null) => {
    setWork(to);
    setDraft(draftOf(to));
    setNext(null);
  };
  return {
    work,
    draft,
    dirty,
    write: setDraft,
    /** Asks first where something written would be lost. */
    begin: (to: Work) => (dirty ? setNext(to) : turnTo(to)),
    end: () => turnTo(null),
    asking: next !== null,
    goOn: () => turnTo(next),
    stay: () => setNext(null),
  };
}

/** A change of a document's passages; what is shown of it is read anew. Failures are told where nothing else does. */
export function useChange<V, R>(document_id: string, run: (what: V) => Promise<R>, { quiet = false } = {}) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: run,
    onSuccess: () => client.invalidateQueries({ queryKey: ["documents", document_id] }),
    onError: (error) => {
      if (quiet) return;
      const { message, hint } = asApiError(error);
      toast(message, { text: hint, bad: true });
    },
  });
}
