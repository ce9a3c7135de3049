import { Ban, CircleCheck, CircleDashed, Hourglass, LoaderCircle, type LucideIcon, OctagonAlert, TriangleAlert } from "lucide-react";
import { useTranslation } from "react-i18next";

import { Badge, type Tone } from "@/ui/Badge";

const LOOKS = {
  running: ["info", LoaderCircle],
  paused: ["accent", Hourglass],
  succeeded: ["good", CircleCheck],
  "partial-succeeded": ["warn", TriangleAlert],
  failed: ["bad", OctagonAlert],
  stopped: ["plain", Ban],
  exception: ["warn", TriangleAlert],
} as const satisfies Record<string, readonly [Tone, LucideIcon]>;

/** How far a run is, or a node of one. */
export function RunState({ state }: { state: string }) {
  const { t } = useTranslation();
  const known = (Object.keys(LOOKS) as (keyof typeof LOOKS)[]).find((one) => one === state);
  if (!known) {
    return (
      <Badge icon={CircleDashed}>
        {state}
      </Badge>
    );
  }
  const [tone, icon] = LOOKS[known];
  return (
    <Badge tone={tone} icon={icon}>
      {t(`runs.state.${known}`)}
    </Badge>
  );
}
