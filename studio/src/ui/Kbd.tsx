const MAC = typeof navigator !== "undefined" && /Mac|iPhone|iPad/.test(navigator.userAgent);

/** A shortcut such as "mod+k" as this machine writes it. */
export function Kbd({ keys }: { keys: string }) {
  const shown = keys
    .split("+")
    .map((key) => (key === "mod" ? (MAC ? "⌘" : "Ctrl") : key === "shift" ? (MAC ? "⇧" : "Shift") : key.toUpperCase()))
    .join(MAC ? "" : " ");
  return (
    <kbd className="rounded-sm border border-line bg-sunken px-1.5 font-sans text-xs whitespace-nowrap text-muted">
      {shown}
    </kbd>
  );
}
