import { useTranslation } from "react-i18next";

import { Copy } from "@/ui/Copy";

/** Text to be pasted elsewhere. `label` says what the button copies. */
export function CodeBlock({ text, label }: { text: string; label: string }) {
  const { t } = useTranslation();
  return (
    <div className="relative rounded-md border border-line bg-sunken">
      <pre tabIndex={0} className="scroll-quiet overflow-x-auto py-3 pr-12 pl-4 font-mono text-sm leading-relaxed">
        <code>{text}</code>
      </pre>
      <div className="absolute top-1.5 right-1.5 rounded-md bg-sunken">
        <Copy text={text} label={label} doneLabel={t("common.copied")} />
      </div>
    </div>
  );
}
