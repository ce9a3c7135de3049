import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ArrowRight, Circle, CircleCheck, PartyPopper, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Role } from "@/api/client";
import { apps, bases, connections, doctor, members, preferences } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { remember } from "@/frame/preferences";
import { reaches } from "@/frame/role";
import { type Step, stepsOf } from "@/pages/home/steps";
import { IconButton } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { Progress } from "@/ui/Progress";
import { SkeletonRows } from "@/ui/States";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

/** What a new installation lacks, each a press away; whoever has read it may put it away. */
export function Checklist({ role }: { role: Role }) {
  const { t } = useTranslation();
  const admin = reaches(role, "admin");
  const kept = useQuery(preferences);
  const health = useQuery({ ...doctor, enabled: admin });
  const servers = useQuery({ ...connections, enabled: admin });
  const people = useQuery({ ...members, enabled: admin });
  const allBases = useQuery(bases);
  const allApps = useQuery(apps);
  if (!reaches(role, "editor") || !kept.data || kept.data.checklist === "hidden") return null;
  const asked = [allBases, allApps, ...(admin ? [servers, people] : [])];
  const failed = asked.find(({ error }) => error !== null);
  const ready = allBases.data && allApps.data && asked.every(({ data }) => data !== undefined);
  const steps = ready
    ? stepsOf({
        role,
        bases: allBases.data,
        apps: allApps.data,
        organs: health.data?.organs,
        connections: servers.data,
        members: people.data,
      })
    : [];
  const done = steps.filter((step) => step.done).length;
  const all = ready && done === steps.length;
  const putAway = () => {
    void remember({ checklist: "hidden" });
    toast(t("home.hidden"), { undo: { label: t("common.undo"), run: () => void remember({ checklist: "shown" }) } });
  };
  return (
    <Panel
      title={t("home.checklist")}
      hint={ready ? t("home.progress", { done, count: steps.length }) : undefined}
      flush
      actions={<IconButton icon={X} size="small" label={t("home.hide")} onClick={putAway} />}
    >
      {failed && (
        <div className="p-4">
          <ErrorPanel error={failed.error} onRetry={() => asked.forEach((query) => void query.refetch())} />
        </div>
      )}
      {!ready && !failed && <SkeletonRows rows={4} label={t("common.loading")} />}
      {ready && <Progress part={done / steps.length} label={t("home.checklist")} className="rounded-none" />}
      {all && (
        <p className="flex items-center gap-2 border-b border-line px-4 py-3 font-medium text-good">
          <PartyPopper size={17} aria-hidden />
          {t("home.allDone")}
        </p>
      )}
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
      <Link
        to={step.to}
        search={step.id === "colleague" && !step.done ? { invite: true } : {}}
        className="group flex items-start gap-3 px-4 py-3 hover:bg-canvas"
      >
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
