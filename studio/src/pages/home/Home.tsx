import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { ArrowRight, BookOpen, CircleCheck, Circle, MessagesSquare, Quote, Stethoscope } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { apps, bases, doctor, members, session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useFormat } from "@/i18n/format";
import { threadOf } from "@/pages/chat/threads";
import { type Step, stepsOf } from "@/pages/home/steps";
import { Page } from "@/ui/Page";
import { PageHead, Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

const DEMO = "demo";

export function Home() {
  const { t } = useTranslation();
  const { data: account } = useQuery(session);
  useCrumbs({ label: t("nav.home") });
  return (
    <Page>
      <PageHead title={t("home.title", { name: account?.name ?? "" })} hint={t("home.text")} />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="flex flex-col gap-4">
          <Demo />
          <Checklist />
        </div>
        <div className="flex flex-col gap-4">
          <Numbers />
          <Health />
        </div>
      </div>
    </Page>
  );
}

/** The demo, one press away: the question is asked and the chat opens on its answer. */
function Demo() {
  const { t, i18n } = useTranslation();
  const go = useNavigate();
  const { data } = useQuery(apps);
  const demo = data?.find(({ name }) => name === DEMO);
  if (!demo) return null;
  const korean = (text: string) => /[가-힣]/.test(text);
  const wanted = i18n.language === "ko";
  const questions = [...demo.config.suggested_questions].sort((a, b) => Number(korean(b) === wanted) - Number(korean(a) === wanted));
  return (
    <Panel title={t("home.demo")} hint={t("home.demoText")} flush>
      <ul>
        {questions.slice(0, 3).map((question) => (
          <li key={question} className="border-b border-line last:border-b-0">
            <button
              type="button"
              onClick={() => {
                void threadOf(demo.id).ask(question);
                void go({ to: "/chat/$app", params: { app: demo.id } });
              }}
              className="group flex w-full items-center gap-3 px-4 py-3 text-left hover:bg-canvas"
            >
              <Quote size={15} className="shrink-0 text-accent-ink" aria-hidden />
              <span className="grow" lang={korean(question) ? "ko" : "en"}>
                {question}
              </span>
              <ArrowRight size={15} className="shrink-0 text-faint group-hover:text-accent-ink" aria-hidden />
            </button>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Checklist() {
  const { t } = useTranslation();
  const health = useQuery(doctor);
  const allBases = useQuery(bases);
  const allApps = useQuery(apps);
  const people = useQuery(members);
  const all = [health, allBases, allApps, people];
  const failed = all.find(({ error }) => error !== null);
  const ready = health.data && allBases.data && allApps.data && people.data;
  const steps = ready
    ? stepsOf({ organs: health.data.organs, bases: allBases.data, apps: allApps.data, members: people.data })
    : [];
  const done = steps.filter((step) => step.done).length;
  return (
    <Panel
      title={t("home.checklist")}
      hint={ready ? t("home.progress", { done, count: steps.length }) : undefined}
      flush
    >
      {failed && (
        <div className="p-4">
          <ErrorPanel error={failed.error} onRetry={() => all.forEach((query) => void query.refetch())} />
        </div>
      )}
      {!ready && !failed && <SkeletonRows rows={4} label={t("common.loading")} />}
      <ol>
        {steps.map((step) => (
          <StepLine key={step.id} step={step} />
        ))}
      </ol>
    </Panel>
  );
}

function StepLine({ step }: { step: Step }) {
  const { t } = useTranslation();
  const Icon = step.done ? CircleCheck : Circle;
  return (
    <li className="border-b border-line last:border-b-0">
      <Link to={step.to} className="group flex items-start gap-3 px-4 py-3 hover:bg-canvas">
        <Icon
          size={18}
          className={cx("mt-0.5 shrink-0", step.done ? "text-good" : "text-faint")}
          aria-label={step.done ? t("home.done") : t("home.open")}
        />
        <span className="min-w-0 grow">
          <span className={cx("block font-medium", step.done && "text-muted")}>{t(`home.step.${step.id}`)}</span>
          {!step.done && <span className="block text-sm text-muted">{t(`home.stepText.${step.id}`)}</span>}
        </span>
        <ArrowRight size={15} className="mt-1 shrink-0 text-faint group-hover:text-accent-ink" aria-hidden />
      </Link>
    </li>
  );
}

function Numbers() {
  const { t } = useTranslation();
  const format = useFormat();
  const { data: allBases } = useQuery(bases);
  const { data: allApps } = useQuery(apps);
  const count = (state: string) => allBases?.reduce((sum, { documents }) => sum + (documents[state] ?? 0), 0) ?? 0;
  const reading = count("queued") + count("running");
  const shown = (value: number | undefined) => (value === undefined ? "–" : format.number(value));
  return (
    <div className="grid grid-cols-2 gap-4">
      <Figure icon={<MessagesSquare size={16} />} to="/chat" label={t("home.apps")} value={shown(allApps?.length)} />
      <Figure
        icon={<BookOpen size={16} />}
        to="/knowledge"
        label={reading > 0 ? t("home.reading", { count: reading }) : t("home.documents")}
        value={shown(allBases && count("ready"))}
      />
    </div>
  );
}

function Figure({ icon, to, label, value }: { icon: ReactNode; to: string; label: string; value: string }) {
  return (
    <Link to={to} className="rounded-lg border border-line bg-surface px-4 py-3.5 hover:border-control">
      <span className="flex items-center gap-2 text-sm text-muted">
        <span aria-hidden>{icon}</span>
        {label}
      </span>
      <span className="mt-1 block text-xl font-semibold tabular-nums">{value}</span>
    </Link>
  );
}

function Health() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(doctor);
  const ill = data?.organs.filter(({ health }) => !health.ok) ?? [];
  return (
    <Panel title={t("home.health")} flush>
      {error && (
        <div className="p-4">
          <ErrorPanel error={error} onRetry={() => void refetch()} />
        </div>
      )}
      {!data && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
      {data && (
        <Link to="/settings" className="group flex items-start gap-3 px-4 py-3.5 hover:bg-canvas">
          <Stethoscope size={17} className={cx("mt-0.5 shrink-0", ill.length ? "text-bad" : "text-good")} aria-hidden />
          <span className="min-w-0 grow">
            <span className="block font-medium">
              {ill.length ? t("home.ill", { count: ill.length }) : t("home.well", { count: data.organs.length })}
            </span>
            <span className="block text-sm break-words text-muted">
              {ill[0]?.health.hint ?? t("home.version", { version: data.version })}
            </span>
          </span>
          <ArrowRight size={15} className="mt-1 shrink-0 text-faint group-hover:text-accent-ink" aria-hidden />
        </Link>
      )}
    </Panel>
  );
}
