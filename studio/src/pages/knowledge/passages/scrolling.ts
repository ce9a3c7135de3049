/** Brings what was chosen into sight in its own column: the other columns and the page stay where they are. */

export function reveal(element: HTMLElement | null, at: "center" | "nearest"): void {
  const column = element?.closest<HTMLElement>("[data-column]");
  if (!element || !column) return;
  if (column.scrollHeight <= column.clientHeight + 1) {
    element.scrollIntoView({ block: at }); // on a phone the column is as long as what it holds
    return;
  }
  const own = element.getBoundingClientRect();
  const seen = column.getBoundingClientRect();
  const isSeen = own.top >= seen.top && own.bottom <= seen.bottom;
  if (at === "nearest" && isSeen) return;
  const above = own.top - seen.top;
  const room = at === "center" ? Math.max(0, (seen.height - own.height) / 2) : 12;
  column.scrollTop += above - room;
  const across = own.left - seen.left;
  if (own.left < seen.left || own.right > seen.right) column.scrollLeft += across - 12;
}
