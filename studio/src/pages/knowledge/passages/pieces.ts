/** Where a passage can be cut in two: between its sentences and lines, or between the rows of a table. */

export interface Piece {
  readonly text: string;
  /** In characters as the server counts them, from the passage's beginning; 0: nothing stands before it. */
  readonly at: number;
}

const BAR = /^\s*\|/;
const RULE = /^\s*\|?\s*:?-{2,}/;

function sentences(line: string, language: string): string[] {
  const found = [...new Intl.Segmenter(language, { granularity: "sentence" }).segment(line)].map(({ segment }) => segment);
  return found.length > 0 ? found : [line];
}

/** Texts joined are the text that was given. */
export function piecesOf(text: string, kind: string, language: string): Piece[] {
  const lines = text.split(/(?<=\n)/);
  let texts: string[];
  if (kind === "table") {
    const rule = lines.findIndex((line) => RULE.test(line));
    const first = rule < 0 ? lines.findIndex((line) => BAR.test(line)) + 1 : rule + 1;
    texts = [lines.slice(0, first + 1).join(""), ...lines.slice(first + 1)];
  } else {
    texts = lines.flatMap((line) => sentences(line, language));
    if (texts.filter((one) => one.trim()).length < 2) texts = text.split(/(?<=\s)(?=\S)/);
  }
  const pieces: Piece[] = [];
  let at = 0;
  for (const one of texts) {
    const last = pieces[pieces.length - 1];
    if (last && one.trim() === "") pieces[pieces.length - 1] = { ...last, text: last.text + one };
    else pieces.push({ text: one, at });
    at += [...one].length;
  }
  return pieces;
}
