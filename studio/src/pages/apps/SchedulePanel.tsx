import { CalendarClock, Play } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { App, Trigger } from "@/api/client";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { TriggerPanel } from "@/pages/apps/TriggerPanel";
import { inZone, told } from "@/pages/apps/schedule";
import { useTrigger } from "@/pages/apps/useTrigger";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

/** A schedule in words, with its next times. */
export function SchedulePanel({ app, trigger }: { app: App; trigger: Trigger }) {
  const { t, i18n } = useTranslation();
  const format = useFormat();
  const { runNow } = useTrigger(app, trigger);
  const { schedule } = trigger;
  return (
    <TriggerPanel
      app={app}
      trigger={trigger}
      icon={CalendarClock}
      hint={schedule && t("triggers.zone", { zone: schedule.timezone })}
      actions={
        schedule && (
          <Button
            size="small"
            icon={Play}
            busy={runNow.isPending}
            onClick={() => runNow.mutate(undefined, { onSuccess: () => toast(t("triggers.started")) })}
          >
            {t("triggers.runNow")}
          </Button>
        )
      }
    >
      {runNow.error && (
        <div className="mb-4">
          <ErrorPanel error={runNow.error} />
        </div>
      )}
      {schedule && (
        <>
          <p className="text-md font-medium break-words">{told(t, i18n.language, schedule.cron)}</p>
          <p className="mt-0.5 font-mono text-sm text-muted">{schedule.cron}</p>
          {trigger.is_on && schedule.next_at !== null ? (
            <>
              <p className="mt-3 text-sm">{t("triggers.next", { when: format.ago(schedule.next_at) })}</p>
              <ol aria-label={t("triggers.upcoming")} className="mt-1.5 flex flex-col gap-0.5 text-sm text-muted">
                {schedule.upcoming.map((at) => (
                  <li key={at} className="tabular-nums">
                    <time dateTime={new Date(at).toISOString()}>{inZone(i18n.language, schedule.timezone, at)}</time>
                  </li>
                ))}
              </ol>
            </>
          ) : (
            <p className="mt-3 text-sm text-muted">{t("triggers.offText")}</p>
          )}
        </>
      )}
    </TriggerPanel>
  );
}
