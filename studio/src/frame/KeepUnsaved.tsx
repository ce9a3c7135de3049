import { useBlocker } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { Confirm } from "@/ui/Dialog";

/** Asks before what was written and not saved is lost by going to another page. */
export function KeepUnsaved({ dirty }: { dirty: boolean }) {
  const { t } = useTranslation();
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => dirty && current.pathname !== next.pathname,
    enableBeforeUnload: () => dirty,
    withResolver: true,
  });
  return (
    <Confirm
      open={blocker.status === "blocked"}
      onClose={() => blocker.reset?.()}
      onConfirm={() => blocker.proceed?.()}
      title={t("unsaved.leave")}
      text={t("unsaved.leaveText")}
      confirmLabel={t("unsaved.leaveNow")}
      cancelLabel={t("unsaved.stay")}
    />
  );
}
