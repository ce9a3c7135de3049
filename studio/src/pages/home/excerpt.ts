/** The first lines of an answer where the renderer of Markdown would be too heavy: Home, which everybody opens first. */

/** Running text without the signs of Markdown; lines stay. */
export function plain(markdown: string): string {
  return markdown
    .replace(/^\s*```.*$/gm, "")
    .replace(/^\s{0,3}#{1,6}\s+/gm, "")
    .replace(/^(\s*)[-*+]\s+/gm, "$1• ")
    .replace(/!?\[([^\]]*)\]\([^)\s]*\)/g, "$1")
    .replace(/\*\*(.+?)\*\*/g, "$1")
    .replace(/`([^`]+)`/g, "$1")
    .replace(/\n{3,}/g, "\n\n")
    .trim();
}

/** Text, and the numbers of citations, "[1]", in it. */
export function pieces(text: string): (string | number)[] {
  return text.split(/\[(\d{1,3})\]/).map((piece, index) => (index % 2 ? Number(piece) : piece));
}
