import { Check, Copy as CopyIcon } from "lucide-react";
import { useEffect, useState } from "react";

import { IconButton } from "@/ui/Button";

/** Puts text on the clipboard; on plain http from another machine browsers refuse the clipboard, so a selection stands in. */
export async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

export function Copy({ text, label, doneLabel }: { text: string; label: string; doneLabel: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1_600);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <IconButton
      size="small"
      icon={done ? Check : CopyIcon}
      label={done ? doneLabel : label}
      onClick={() => void copyText(text).then(() => setDone(true))}
    />
  );
}
