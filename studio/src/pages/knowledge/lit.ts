/** Where on a page some words stand: the quoted sentence itself, not only the passage around it. */

import type { PageWords } from "@/api/documents";

/** In points, origin top left. */
export interface Rect {
  readonly x0: number;
  readonly top: number;
  readonly x1: number;
  readonly bottom: number;
}

export type Word = PageWords["words"][number];

const EDGE = 2; // points by which a word may stand out of its box

const letters = (text: string): string => text.normalize("NFKC").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

export const boxesOn = (boxes: readonly (readonly number[])[], page: number): Rect[] =>
  boxes
    .filter(([of]) => of === page)
    .map(([, x0 = 0, top = 0, x1 = 0, bottom = 0]) => ({ x0, top, x1, bottom }));

/** A box for each line of `quote` on the page, looked for inside `within` first; none where it is not written so.
 *  White space, punctuation and the bars of tables do not matter. */
export function litLines(words: readonly Word[], quote: string, within: readonly Rect[]): Rect[] {
  const inside = words.filter((word) => within.some((box) => holds(box, word)));
  const found = inside.length > 0 ? find(inside, quote) : [];
  return lines(found.length > 0 ? found : find(words, quote));
}

const holds = (box: Rect, [, x0, top, x1, bottom]: Word): boolean =>
  x0 >= box.x0 - EDGE && x1 <= box.x1 + EDGE && top >= box.top - EDGE && bottom <= box.bottom + EDGE;

function find(words: readonly Word[], quote: string): Word[] {
  const owners: number[] = [];
  let text = "";
  words.forEach((word, index) => {
    const own = letters(word[0]);
    text += own;
    for (let at = 0; at < own.length; at++) owners.push(index);
  });
  const marked = new Set<number>();
  const mark = (at: number, length: number) => {
    for (let i = at; i < at + length; i++) marked.add(owners[i] ?? 0);
  };
  const whole = letters(quote);
  const at = whole ? text.indexOf(whole) : -1;
  if (at >= 0) mark(at, whole.length);
  else {
    let from = 0;
    for (const piece of quote.split(/[|\n]+/)) {
      const wanted = letters(piece);
      if (!wanted) continue;
      const next = text.indexOf(wanted, from);
      const where = next >= 0 ? next : wanted.length > 3 ? text.indexOf(wanted) : -1;
      if (where < 0) continue;
      mark(where, wanted.length);
      from = where + wanted.length;
    }
  }
  return [...marked].sort((one, other) => one - other).map((index) => words[index] as Word);
}

/** Neighbouring words of one line as one box. */
function lines(words: readonly Word[]): Rect[] {
  const out: Rect[] = [];
  for (const [, x0, top, x1, bottom] of words) {
    const last = out[out.length - 1];
    const height = bottom - top;
    const shared = last ? Math.min(last.bottom, bottom) - Math.max(last.top, top) : 0;
    const gap = last ? x0 - last.x1 : 0;
    if (last && shared > height * 0.4 && gap > -height && gap < height * 2.5) {
      out[out.length - 1] = {
        x0: Math.min(last.x0, x0),
        top: Math.min(last.top, top),
        x1: Math.max(last.x1, x1),
        bottom: Math.max(last.bottom, bottom),
      };
    } else out.push({ x0, top, x1, bottom });
  }
  return out;
}
