/** The fields of an app's form, in four groups. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { bases, models } from "@/api/queries";
import { IconField } from "@/pages/apps/IconField";
import { LinesField } from "@/pages/apps/LinesField";
import { type AnswerLanguage, type AppDraft, MOST_QUESTIONS, type Problem } from "@/pages/apps/draft";
import { Checkbox, Field, Input, TextArea } from "@/ui/Field";
import { Select } from "@/ui/Select";
import { Skeleton } from "@/ui/States";

interface FieldsProps {
  draft: AppDraft;
  problems: readonly Problem[];
  change: (some: Partial<AppDraft>) => void;
}

export function LookFields({ draft, problems, change }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-4">
      <Field label={t("common.name")} {...(problems.includes("name") ? { error: t("apps.problem.name") } : {})}>
        {(ids) => (
          <Input {...ids} maxLength={200} value={draft.name} onChange={(event) => change({ name: event.target.value })} />
        )}
      </Field>
      <Field label={t("common.description")} hint={t("common.optional")}>
        {(ids) => (
          <Input
            {...ids}
            maxLength={2000}
            value={draft.description}
            onChange={(event) => change({ description: event.target.value })}
          />
        )}
      </Field>
      <IconField
        icon={draft.icon}
        background={draft.icon_background}
        {...(problems.includes("icon") ? { error: t("apps.problem.icon") } : {})}
        onIcon={(icon) => change({ icon })}
        onBackground={(icon_background) => change({ icon_background })}
      />
    </div>
  );
}

export function KnowledgeFields({ draft, problems, change }: FieldsProps) {
  const { t } = useTranslation();
  const { data: all } = useQuery(bases);
  const { data: offered } = useQuery(models);
  const known = (offered ?? []).map((model) => model.id);
  const names = draft.model && !known.includes(draft.model) ? [draft.model, ...known] : known;
  const ordered = [...(all ?? [])].sort((one, other) => one.base.name.localeCompare(other.base.name));
  const set = (id: string, on: boolean) =>
    change({ knowledge: on ? [...draft.knowledge, id] : draft.knowledge.filter((one) => one !== id) });
  return (
    <div className="flex flex-col gap-4">
      <fieldset>
        <legend className="mb-1 text-sm font-medium">{t("nav.knowledge")}</legend>
        {!all && <Skeleton className="h-7" />}
        {all?.length === 0 && (
          <p className="text-muted">
            {t("apps.noKnowledge")}{" "}
            <Link to="/knowledge" className="text-accent-ink underline underline-offset-2">
              {t("nav.knowledge")}
            </Link>
          </p>
        )}
        <div className="scroll-quiet max-h-60 overflow-y-auto">
          {ordered.map(({ base, documents }) => (
            <Checkbox
              key={base.id}
              checked={draft.knowledge.includes(base.id)}
              onChange={(event) => set(base.id, event.target.checked)}
              label={
                <span className="flex flex-wrap items-baseline gap-x-2">
                  <span className="font-medium">{base.name}</span>
                  <span className="text-sm text-muted">{t("apps.documents", { count: documents.ready ?? 0 })}</span>
                </span>
              }
            />
          ))}
        </div>
        <p className="mt-1 text-sm text-muted">{t("apps.knowledgeText")}</p>
      </fieldset>
      <div className="grid gap-4 sm:grid-cols-2">
        <Field label={t("apps.model")} hint={t("apps.modelText")}>
          {({ id }) => (
            <Select
              id={id}
              label={t("apps.model")}
              value={draft.model}
              choices={[
                { value: "", label: t("apps.modelDefault"), ...(known[0] ? { hint: known[0] } : {}) },
                ...names.map((name) => ({ value: name, label: name })),
              ]}
              onChange={(model) => change({ model })}
            />
          )}
        </Field>
        <Field
          label={t("apps.topK")}
          {...(problems.includes("top_k") ? { error: t("apps.problem.top_k") } : { hint: t("apps.topKText") })}
        >
          {(ids) => (
            <Input
              {...ids}
              inputMode="numeric"
              maxLength={3}
              placeholder={t("apps.topKDefault")}
              value={draft.top_k}
              onChange={(event) => change({ top_k: event.target.value })}
            />
          )}
        </Field>
      </div>
    </div>
  );
}

export function WordFields({ draft, change }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <div className="flex flex-col gap-4">
      <Field label={t("apps.instruction")} hint={t("apps.instructionText")}>
        {(ids) => (
          <TextArea
            {...ids}
            maxLength={20_000}
            value={draft.instruction}
            onChange={(event) => change({ instruction: event.target.value })}
            className="field-sizing-content max-h-96 min-h-24"
          />
        )}
      </Field>
      <Field label={t("apps.opening")} hint={t("apps.openingText")}>
        {(ids) => (
          <TextArea
            {...ids}
            maxLength={10_000}
            value={draft.opening_statement}
            onChange={(event) => change({ opening_statement: event.target.value })}
            className="field-sizing-content max-h-60 min-h-16"
          />
        )}
      </Field>
      <LinesField
        legend={t("apps.suggested")}
        hint={t("apps.suggestedText")}
        lineLabel={(number) => t("apps.suggestedOne", { number })}
        addLabel={t("apps.suggestedAdd")}
        placeholder={t("apps.suggestedExample")}
        lines={draft.suggested_questions}
        most={MOST_QUESTIONS}
        maxLength={500}
        onChange={(suggested_questions) => change({ suggested_questions })}
      />
    </div>
  );
}

const LANGUAGES = ["", "ko", "en"] as const satisfies readonly AnswerLanguage[];

export function AnswerFields({ draft, change }: FieldsProps) {
  const { t } = useTranslation();
  const named = { "": t("apps.anyLanguage"), ko: t("language.ko"), en: t("language.en") };
  return (
    <div className="flex flex-col gap-3">
      <Checkbox
        label={t("apps.citations")}
        checked={draft.retriever_resource}
        onChange={(event) => change({ retriever_resource: event.target.checked })}
      />
      <Checkbox
        label={t("apps.after")}
        checked={draft.suggested_questions_after_answer}
        onChange={(event) => change({ suggested_questions_after_answer: event.target.checked })}
      />
      <Field label={t("apps.language")}>
        {({ id }) => (
          <Select
            id={id}
            label={t("apps.language")}
            value={draft.language}
            choices={LANGUAGES.map((value) => ({ value, label: named[value] }))}
            onChange={(language) => change({ language })}
            className="w-full sm:w-64"
          />
        )}
      </Field>
    </div>
  );
}
