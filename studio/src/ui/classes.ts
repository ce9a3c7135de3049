/** Class names in one string; what is false, null or empty is left out. */
export function cx(...names: (string | false | null | undefined)[]): string {
  return names.filter(Boolean).join(" ");
}

/** The number of a source in running text, to be pressed. */
export const CITATION_MARK =
  "mx-0.5 inline-flex h-4.5 min-w-4.5 items-center justify-center rounded-sm bg-accent-soft px-1 align-text-top text-xs font-semibold text-accent-ink hover:bg-accent hover:text-on-accent";
