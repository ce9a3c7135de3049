/** Which documents of a list are chosen: these, or all that the filter lets through. */

export interface Selection {
  readonly all: boolean;
  readonly ids: ReadonlySet<string>;
}

export const NOTHING: Selection = { all: false, ids: new Set() };

export const isEmpty = (selection: Selection): boolean => !selection.all && selection.ids.size === 0;
