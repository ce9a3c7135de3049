import { CircleAlert, CircleCheck, CircleDashed, CircleHelp } from "lucide-react";
import { useCallback } from "react";
import { useTranslation } from "react-i18next";

import type { DeploymentState } from "@/pages/models/route";

/** Whether it is asked: the shape says it as well as the colour. */
export function StateDot({ state, size = 13 }: { state: DeploymentState; size?: number }) {
  const props = { size, "aria-hidden": true } as const;
  if (!state.is_connected) return <CircleHelp {...props} className="shrink-0 text-warn" />;
  if (state.phase === "open") return <CircleAlert {...props} className="shrink-0 text-bad" />;
  if (state.phase === "half_open" || state.wait_s > 0) return <CircleDashed {...props} className="shrink-0 text-warn" />;
  return <CircleCheck {...props} className="shrink-0 text-good" />;
}

/** How a deployment does, in a few words: its circuit, then how busy and how fast it is. */
export function useStateText(): (state: DeploymentState) => string {
  const { t } = useTranslation();
  return useCallback(
    (state) => {
      if (!state.is_connected) return t("routes.state.missing");
      const wait = Math.ceil(state.wait_s);
      const phase =
        state.phase === "open"
          ? t("routes.state.open", { seconds: wait })
          : state.phase === "half_open"
            ? t("routes.state.half_open")
            : wait > 0
              ? t("routes.state.rests", { seconds: wait })
              : t("routes.state.closed");
      const busy = t("routes.inFlight", { count: state.in_flight });
      const fast = state.latency_ms > 0 ? t("settings.milliseconds", { count: state.latency_ms }) : "";
      return [phase, busy, fast].filter(Boolean).join(" · ");
    },
    [t],
  );
}
