/** Where the words of a question stand in a text, as the keyword search sees them. */

export type Range = readonly [from: number, to: number];

const HANGUL = /[\uac00-\ud7a3]/;
const LETTER = /[\p{L}\p{N}]/u;
const CELLS = /[.*+?^${}()|[\]\\]/g;

/** Terms are stems: a Korean one may stand anywhere in a word, any other begins one, which is taken whole. */
export function rangesOf(text: string, terms: readonly string[]): Range[] {
  const found: [number, number][] = [];
  for (const term of terms) {
    if (!term) continue;
    const own = term.replace(CELLS, "\\$&");
    const isKorean = HANGUL.test(term);
    const pattern = new RegExp(isKorean ? own : `${own}[\\p{L}\\p{N}]*`, "giu");
    for (const { index, 0: hit } of text.matchAll(pattern)) {
      const before = text[index - 1];
      if (!isKorean && before && LETTER.test(before) && LETTER.test(hit[0] ?? "") && !HANGUL.test(before)) continue;
      found.push([index, index + hit.length]);
    }
  }
  found.sort(([one], [other]) => one - other);
  const merged: [number, number][] = [];
  for (const range of found) {
    const last = merged[merged.length - 1];
    if (last && range[0] <= last[1]) last[1] = Math.max(last[1], range[1]);
    else merged.push([...range]);
  }
  return merged;
}
