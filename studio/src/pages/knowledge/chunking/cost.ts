/** What a way of cutting costs, of one document and reckoned for all. */

import type { CutDocument } from "@/api/chunking";

export interface Cost {
  readonly passages: number;
  /** Passages whose vectors are made anew. */
  readonly embedded: number;
  /** Calls of the model that writes questions. */
  readonly calls: number;
  /** US dollars of these calls; null: nobody says what the model costs. */
  readonly usd: number | null;
}

export const costOf = ({ total, embed, questions }: CutDocument): Cost => ({
  passages: total,
  embedded: embed,
  calls: questions ? questions.parts - questions.known : 0,
  usd: questions?.usd ?? null,
});

/** As if all documents of the base were like this one, by their length; null: it is not known how long they are. */
export function wholeOf(seen: CutDocument): Cost | null {
  if (!seen.share) return null;
  const one = costOf(seen);
  const scaled = (value: number) => Math.round(value / (seen.share ?? 1));
  return {
    passages: scaled(one.passages),
    embedded: scaled(one.embedded),
    calls: scaled(one.calls),
    usd: one.usd === null ? null : one.usd / seen.share,
  };
}
