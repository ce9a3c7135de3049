import { useQuery } from "@tanstack/react-query";
import { Blocks, FoldVertical, ListTree, type LucideIcon, MessagesSquare, Pilcrow, Scissors } from "lucide-react";
import { useId } from "react";
import { useTranslation } from "react-i18next";

import { models } from "@/api/queries";
import { CLEANINGS, type Draft, METHODS, type Method, faultsOf, has } from "@/pages/knowledge/chunking/rule";
import { Checkbox, Choose, Field, Input } from "@/ui/Field";
import { Segments } from "@/ui/Segments";
import { cx } from "@/ui/classes";

const ICONS: Record<Method, LucideIcon> = {
  headings: ListTree,
  parent_child: FoldVertical,
  qa: MessagesSquare,
  semantic: Blocks,
  sentence: Pilcrow,
  fixed: Scissors,
};

interface ChunkingFormProps {
  draft: Draft;
  faults: ReturnType<typeof faultsOf>;
  onChange: (changes: Partial<Draft>) => void;
}

/** A rule of cutting: the method, what it lets one say, and what is cleaned up before. */
export function ChunkingForm({ draft, faults, onChange }: ChunkingFormProps) {
  const { t } = useTranslation();
  return (
    <>
      <Methods value={draft.method} onChange={(method) => onChange({ method })} />
      <MethodFields draft={draft} faults={faults} onChange={onChange} />
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{t("chunking.clean")}</legend>
        {CLEANINGS.map((one) => (
          <Checkbox
            key={one}
            checked={draft.clean.includes(one)}
            onChange={(event) => onChange({ clean: CLEANINGS.filter((each) => (each === one ? event.target.checked : draft.clean.includes(each))) })}
            label={t(`chunking.cleaning.${one}`)}
          />
        ))}
      </fieldset>
    </>
  );
}

function Methods({ value, onChange }: { value: Method; onChange: (method: Method) => void }) {
  const { t } = useTranslation();
  const name = useId();
  return (
    <div role="radiogroup" aria-label={t("chunking.method")} className="grid gap-2 sm:grid-cols-2">
      {METHODS.map((method) => {
        const Icon = ICONS[method];
        const isChosen = method === value;
        return (
          <label
            key={method}
            className={cx(
              "relative flex cursor-pointer gap-2.5 rounded-md border px-3 py-2 transition-colors duration-(--quick)",
              "has-focus-visible:outline-2 has-focus-visible:outline-accent has-disabled:cursor-not-allowed",
              isChosen ? "border-accent bg-accent-soft" : "border-line hover:border-control",
            )}
          >
            <input type="radio" name={name} checked={isChosen} onChange={() => onChange(method)} className="absolute inset-0 cursor-[inherit] opacity-0" />
            <Icon size={17} aria-hidden className={cx("mt-0.5 shrink-0", isChosen ? "text-accent-ink" : "text-muted")} />
            <span className="min-w-0">
              <span className="block font-medium">{t(`chunking.name.${method}`)}</span>
              <span className="block text-sm text-muted">{t(`chunking.about.${method}`)}</span>
            </span>
          </label>
        );
      })}
    </div>
  );
}

function MethodFields({ draft, faults, onChange }: ChunkingFormProps) {
  const { t } = useTranslation();
  const number = (field: keyof Draft, label: string, hint: string, usual: string) =>
    has(draft, field) && (
      <Field label={label} hint={hint} {...(faults[field] && { error: t(`chunking.fault.${field}` as never) })}>
        {(ids) => (
          <Input {...ids} inputMode="numeric" placeholder={usual} value={draft[field] as string} onChange={(event) => onChange({ [field]: event.target.value.trim() })} />
        )}
      </Field>
    );
  const words = (field: keyof Draft, label: string, hint: string, usual: string) =>
    has(draft, field) && (
      <Field label={label} hint={hint}>
        {(ids) => <Input {...ids} placeholder={usual} value={draft[field] as string} onChange={(event) => onChange({ [field]: event.target.value })} />}
      </Field>
    );
  const isQuestions = draft.method === "qa";
  return (
    <div className="flex flex-col gap-4">
      {has(draft, "parent") && (
        <div>
          <p className="mb-1.5 text-sm font-medium">{t("chunking.parent")}</p>
          <Segments
            label={t("chunking.parent")}
            value={draft.parent}
            choices={(["paragraph", "full-doc"] as const).map((value) => ({ value, label: t(`chunking.parents.${value}`) }))}
            onChange={(parent) => onChange({ parent })}
          />
        </div>
      )}
      {isQuestions && <Writer draft={draft} onChange={onChange} />}
      <div className="grid gap-4 sm:grid-cols-2">
        {number("percentile", t("chunking.percentile"), t("chunking.percentileText"), "95")}
        {number("buffer", t("chunking.buffer"), t("chunking.bufferText"), "1")}
        {number(
          "maxTokens",
          isQuestions ? t("chunking.partTokens") : draft.method === "parent_child" ? t("chunking.parentTokens") : t("chunking.maxTokens"),
          isQuestions ? t("chunking.partTokensText") : t("chunking.tokensText"),
          isQuestions ? "800" : draft.method === "parent_child" ? "1000" : "320",
        )}
        {number("overlap", t("chunking.overlap"), t("chunking.overlapText"), "40")}
        {words("separator", t("chunking.separator"), t("chunking.separatorText"), draft.method === "fixed" ? "\\n\\n" : t("chunking.byHeadings"))}
        {number("childTokens", t("chunking.childTokens"), t("chunking.childTokensText"), "120")}
        {words("childSeparator", t("chunking.childSeparator"), t("chunking.separatorText"), t("chunking.bySentences"))}
      </div>
      {isQuestions && (
        <details>
          <summary className="cursor-pointer text-sm font-medium text-muted hover:text-ink">{t("chunking.columns")}</summary>
          <div className="mt-3 grid gap-4 sm:grid-cols-2">
            {words("question", t("chunking.question"), t("chunking.columnText"), t("chunking.questionUsual"))}
            {words("answer", t("chunking.answer"), t("chunking.columnText"), t("chunking.answerUsual"))}
          </div>
        </details>
      )}
    </div>
  );
}

/** Which model writes questions and answers, in which language. */
function Writer({ draft, onChange }: { draft: Draft; onChange: (changes: Partial<Draft>) => void }) {
  const { t } = useTranslation();
  const { data: offered } = useQuery(models);
  const known = (offered ?? []).map(({ id }) => id);
  const names = draft.model && !known.includes(draft.model) ? [draft.model, ...known] : known;
  const languages = ["Korean", "English", "Japanese", "Chinese"];
  const spoken = draft.language && !languages.includes(draft.language) ? [draft.language, ...languages] : languages;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t("chunking.model")} hint={t("chunking.modelText")}>
        {(ids) => (
          <Choose {...ids} value={draft.model} onChange={(event) => onChange({ model: event.target.value })}>
            <option value="">{t("chunking.modelDefault")}</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </Choose>
        )}
      </Field>
      <Field label={t("chunking.language")}>
        {(ids) => (
          <Choose {...ids} value={draft.language} onChange={(event) => onChange({ language: event.target.value })}>
            <option value="">{t("chunking.languageOwn")}</option>
            {spoken.map((name) => (
              <option key={name} value={name}>
                {languages.includes(name) ? t(`chunking.languages.${name}` as never) : name}
              </option>
            ))}
          </Choose>
        )}
      </Field>
    </div>
  );
}
