/** Passages back to running text: headings once, what two passages share once, the parts of a table as one. */

import type { Passage } from "@/api/client";

export interface Block {
  readonly id: string;
  readonly ordinal: number;
  /** Headings that begin here, outermost first; `level` from 1. */
  readonly headings: readonly { readonly level: number; readonly text: string }[];
  readonly text: string;
}

export function blocksOf(passages: readonly Passage[]): Block[] {
  return passages.map((one, index) => {
    const before = passages[index - 1];
    const shared = before ? common(before.heading_path, one.heading_path) : 0;
    const headings = one.heading_path.slice(shared).map((text, at) => ({ level: shared + at + 1, text }));
    const text = before && before.kind === one.kind && headings.length === 0 ? withoutRepeated(before, one) : one.text;
    return { id: one.id, ordinal: one.ordinal, headings, text };
  });
}

function common(one: readonly string[], other: readonly string[]): number {
  let at = 0;
  while (at < one.length && at < other.length && one[at] === other[at]) at++;
  return at;
}

/** A table keeps its header: each part is a table of its own. */
function withoutRepeated(before: Passage, one: Passage): string {
  if (one.kind === "table") return one.text;
  const most = Math.min(before.text.length, one.text.length - 1, 2000);
  for (let length = most; length >= 8; length--) {
    if (before.text.endsWith(one.text.slice(0, length))) return one.text.slice(length).trimStart();
  }
  return one.text;
}
