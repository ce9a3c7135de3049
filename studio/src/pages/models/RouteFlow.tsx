import { CornerDownRight, LogIn, Moon } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useFormat } from "@/i18n/format";
import { StateDot, useStateText } from "@/pages/models/DeploymentHealth";
import { type Box, type DeploymentState, type Edge, type Route, flowOf } from "@/pages/models/route";
import { useWidth } from "@/ui/chart/useWidth";
import { cx } from "@/ui/classes";

interface RouteFlowProps {
  name: string;
  route: Route;
  /** In the route's order, its shadow last; none: nothing is known yet. */
  states: readonly DeploymentState[] | undefined;
  /** Without room for how deployments do. */
  low?: boolean;
}

const WAYS: Record<Edge["way"], string> = { call: "stroke-accent", else: "stroke-control", copy: "stroke-info" };

/** How a call flows: who is asked and how often, who when they cannot answer, and what goes beside. */
export function RouteFlow({ name, route, states, low = false }: RouteFlowProps) {
  const { t } = useTranslation();
  const [box, width] = useWidth<HTMLDivElement>(640);
  const flow = flowOf(route, width, low);
  return (
    <div ref={box} role="group" aria-label={t("routes.flowOf", { name })} className="relative" style={{ height: flow.height }}>
      <svg width={flow.width} height={flow.height} aria-hidden className="absolute inset-0 overflow-visible">
        {flow.edges.map((edge) => (
          <path
            key={edge.id}
            d={edge.path}
            fill="none"
            strokeWidth={edge.width}
            strokeDasharray={edge.way === "call" ? undefined : edge.way === "copy" ? "2 4" : "6 4"}
            className={cx(WAYS[edge.way], edge.way === "call" && "opacity-60")}
          />
        ))}
      </svg>
      {flow.labels.map((label) => (
        <p
          key={label.id}
          className="absolute flex items-center gap-1 truncate text-xs text-muted"
          style={{ left: label.x, top: label.y, width: label.width, height: 20 }}
        >
          {t(`routes.say.${label.text}`)}
        </p>
      ))}
      <ul>
        {flow.boxes.map((one) => (
          <li
            key={one.id}
            className={cx(
              "absolute flex flex-col justify-center rounded-lg border bg-surface px-3 text-sm",
              one.kind === "entry" ? "border-accent bg-accent-soft text-accent-ink" : "border-line",
              one.kind === "shadow" && "border-dashed border-control",
            )}
            style={{ left: one.x, top: one.y, width: one.width, height: one.height }}
          >
            <Content box={one} name={name} route={route} state={one.index === undefined ? undefined : states?.[one.index]} />
          </li>
        ))}
      </ul>
    </div>
  );
}

interface ContentProps {
  box: Box;
  name: string;
  route: Route;
  state: DeploymentState | undefined;
}

function Content({ box, name, route, state }: ContentProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const text = useStateText();
  if (box.kind === "entry") {
    return (
      <>
        <p className="flex min-w-0 items-center gap-1.5 font-semibold">
          <LogIn size={14} className="shrink-0" aria-hidden />
          <span className="truncate" title={name}>
            {name || t("routes.noName")}
          </span>
        </p>
        <p className="truncate text-xs">{t(`routes.strategy.${route.strategy}`)}</p>
      </>
    );
  }
  if (box.model !== undefined) {
    return (
      <p className="flex min-w-0 items-center gap-1.5">
        <CornerDownRight size={14} className="shrink-0 text-muted" aria-hidden />
        <span className="truncate font-mono" title={box.model}>
          {box.model}
        </span>
      </p>
    );
  }
  const target = box.kind === "shadow" ? route.shadow : route.deployments[box.index ?? 0];
  const model = target?.model || (state?.is_connected ? state.model : "") || t("routes.itsDefault");
  return (
    <>
      <div className="flex min-w-0 items-baseline gap-2">
        {box.kind === "shadow" && <Moon size={13} className="shrink-0 translate-y-0.5 text-info" aria-hidden />}
        <p className="min-w-0 grow truncate" title={`${target?.server ?? ""} · ${model}`}>
          <span className="font-medium">{target?.server || t("routes.noServerYet")}</span> <span className="text-muted">{model}</span>
        </p>
        {(box.share !== 1 || box.kind === "shadow") && <span className="shrink-0 font-semibold tabular-nums">{format.percent(box.share ?? 0)}</span>}
      </div>
      {state && (
        <p className="flex min-w-0 items-center gap-1.5 text-xs text-muted">
          <StateDot state={state} />
          <span className="line-clamp-2" title={text(state)}>
            {text(state)}
          </span>
        </p>
      )}
    </>
  );
}
