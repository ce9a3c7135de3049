import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, BookOpen, MessagesSquare, Stethoscope } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { apps, bases, doctor, session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { Checklist } from "@/pages/home/Checklist";
import { Demo } from "@/pages/home/Demo";
import { Welcome } from "@/pages/home/Welcome";
import { Page } from "@/ui/Page";
import { PageHead, Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";
import { cx } from "@/ui/classes";

export function Home() {
  const { t } = useTranslation();
  const { data: account } = useQuery(session);
  const may = useMay();
  useCrumbs({ label: t("nav.home") });
  return (
    <Page>
      <PageHead title={t("home.title", { name: account?.name ?? "" })} hint={t("home.text")} />
      <Welcome />
      <div className="grid gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <div className="flex flex-col gap-4">
          <Demo />
          {account && <Checklist role={account.role} />}
        </div>
        <div className="flex flex-col gap-4">
          <Numbers />
          {may("admin") && <Health />}
        </div>
      </div>
    </Page>
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
