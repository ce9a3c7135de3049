import { useTranslation } from "react-i18next";

import { Markdown } from "@/ui/Markdown";

const TABLE = /^\s*\|.*\|\s*$/m;

/** Text before, in and after the lit words; without them, or where they are not found, all is "before". */
export function splitAt(text: string, lit: string): readonly [before: string, lit: string, after: string] {
  const at = lit ? text.indexOf(lit) : -1;
  return at < 0 ? [text, "", ""] : [text.slice(0, at), lit, text.slice(at + lit.length)];
}

/** A passage as it is kept: tables as tables, other text as it stands, with the quoted words lit. */
export function PassageText({ text, lit = "" }: { text: string; lit?: string }) {
  const { t } = useTranslation();
  if (TABLE.test(text)) {
    return (
      <div className="as-around">
        <Markdown text={text} copyLabel={t("common.copy")} copiedLabel={t("common.copied")} />
      </div>
    );
  }
  const [before, found, after] = splitAt(text, lit);
  return (
    <p className="leading-relaxed whitespace-pre-wrap">
      {before}
      {found && <mark className="rounded-sm bg-warn-soft py-0.5 text-ink">{found}</mark>}
      {after}
    </p>
  );
}
