/** One colour of a chart. They differ in lightness as well as in hue, so that they can be told apart without hue. */
export const SERIES = ["s1", "s2", "s3", "s4", "s5", "s6"] as const;
export type SeriesTone = (typeof SERIES)[number] | "rest";

export const FILLS: Record<SeriesTone, string> = {
  s1: "fill-s1",
  s2: "fill-s2",
  s3: "fill-s3",
  s4: "fill-s4",
  s5: "fill-s5",
  s6: "fill-s6",
  rest: "fill-rest",
};

export const SWATCHES: Record<SeriesTone, string> = {
  s1: "bg-s1",
  s2: "bg-s2",
  s3: "bg-s3",
  s4: "bg-s4",
  s5: "bg-s5",
  s6: "bg-s6",
  rest: "bg-rest",
};

export interface Series {
  readonly id: string;
  readonly label: string;
  readonly tone: SeriesTone;
  /** One for each column; null: nothing is known, as of days to come. */
  readonly values: readonly (number | null)[];
}
