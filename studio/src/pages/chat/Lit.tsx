/** Text with the words that were searched for lit. */
export function Lit({ text, words }: { text: string; words: string }) {
  const wanted = words.normalize("NFC").split(/\s+/).filter(Boolean);
  const parts = text.normalize("NFC").split(new RegExp(`(${wanted.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|")})`, "gi"));
  return parts.map((part, index) =>
    index % 2 ? (
      <mark key={index} className="rounded-xs bg-warn-soft text-ink">
        {part}
      </mark>
    ) : (
      part
    ),
  );
}
