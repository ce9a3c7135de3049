/** A route as it is edited, and the picture of how a call flows through it. */

import type { components } from "@/api/schema";

export type DeploymentState = components["schemas"]["DeploymentState"];
export type ShownRoute = components["schemas"]["ShownRoute"];

export interface Target {
  readonly server: string;
  readonly model: string;
  readonly weight: number;
  readonly priority: number;
}

export const STRATEGIES = ["weighted", "least_busy", "fastest"] as const;
export const SCOPES = ["key", "user", "app", "workspace"] as const;

/** As docs/gateway.md has it under `models`, every key there. */
export interface Route {
  readonly deployments: readonly Target[];
  readonly strategy: (typeof STRATEGIES)[number];
  readonly sticky: boolean;
  readonly fallbacks: readonly string[];
  readonly context_fallback: string;
  readonly attempts: number;
  readonly timeouts: { readonly first_s: number; readonly between_s: number };
  readonly shadow: { readonly server: string; readonly model: string; readonly percent: number } | null;
  readonly cache: { readonly scope: (typeof SCOPES)[number]; readonly seconds: number; readonly most_temperature: number } | null;
}

export const NEW_ROUTE: Route = {
  deployments: [{ server: "default", model: "", weight: 1, priority: 0 }],
  strategy: "weighted",
  sticky: false,
  fallbacks: [],
  context_fallback: "",
  attempts: 3,
  timeouts: { first_s: 0, between_s: 0 },
  shadow: null,
  cache: null,
};

/** The deployments by priority, lower ones first, each with its place in the route and its share of its priority, 0..1;
    where the strategy looks at the deployments itself, all with a weight have the same. */
export interface Leg extends Target {
  readonly index: number;
  readonly share: number;
}

export function tiersOf(route: Route): Leg[][] {
  const tiers = new Map<number, (Target & { index: number })[]>();
  route.deployments.forEach((one, index) => tiers.set(one.priority, [...(tiers.get(one.priority) ?? []), { ...one, index }]));
  return [...tiers]
    .sort(([one], [other]) => one - other)
    .map(([, legs]) => {
      const counted = legs.map(({ weight }) => (route.strategy === "weighted" ? weight : weight > 0 ? 1 : 0));
      const sum = counted.reduce((all, one) => all + one, 0);
      return legs.map((leg, index) => ({ ...leg, share: sum > 0 ? (counted[index] ?? 0) / sum : 0 }));
    });
}

/** What is wrong with a route, by the key of its words; the server looks at it again. */
export type Problem = "noName" | "nameTaken" | "nameApp" | "nameSlash" | "noServer" | "noWeight" | "toItself" | "noShadow";

export function problemsOf(name: string, route: Route, taken: readonly string[]): Problem[] {
  const found: Problem[] = [];
  if (!name.trim()) found.push("noName");
  if (name.startsWith("app/")) found.push("nameApp");
  else if (name.includes("/")) found.push("nameSlash");
  if (taken.includes(name.trim())) found.push("nameTaken");
  if (route.deployments.some(({ server }) => !server)) found.push("noServer");
  if (!route.deployments.some(({ weight }) => weight > 0)) found.push("noWeight");
  if ([...route.fallbacks, route.context_fallback].includes(name.trim()) && name.trim()) found.push("toItself");
  if (route.shadow && !route.shadow.server) found.push("noShadow");
  return found;
}

// the picture

export type BoxKind = "entry" | "deployment" | "fallback" | "context" | "shadow";

export interface Box {
  readonly id: string;
  readonly kind: BoxKind;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Of a deployment: its place in the route. */
  readonly index?: number;
  readonly share?: number;
  /** Of another model that is asked. */
  readonly model?: string;
}

export interface Edge {
  readonly id: string;
  readonly path: string;
  /** How thick it is, px. */
  readonly width: number;
  /** Taken by every call, only when what stands before cannot answer, or by a copy. */
  readonly way: "call" | "else" | "copy";
}

export interface Label {
  readonly id: string;
  readonly text: "else" | "fallback" | "context" | "shadow";
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface Flow {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly edges: readonly Edge[];
  readonly labels: readonly Label[];
}

const HIGH = 62;
const LOW = 38;
const GAP = 12;
const SAID = 22;
const INDENT = 30;
const NARROW = 620;

const thick = (share: number): number => 1.5 + share * 7;

interface Stage {
  readonly label: Label["text"] | null;
  readonly way: Edge["way"];
  readonly boxes: readonly Omit<Box, "x" | "y" | "width">[];
}

function stagesOf(route: Route, high: number): Stage[] {
  const stages: Stage[] = tiersOf(route).map((legs, tier) => ({
    label: tier === 0 ? null : "else",
    way: tier === 0 ? "call" : "else",
    boxes: legs.map((leg) => ({ id: `d${leg.index}`, kind: "deployment", height: high, index: leg.index, share: leg.share })),
  }));
  const others: [Stage["label"], Edge["way"], readonly Stage["boxes"][number][]][] = [
    ["fallback", "else", route.fallbacks.map((model, index) => ({ id: `f${index}`, kind: "fallback", height: LOW, model }))],
    ["context", "else", route.context_fallback ? [{ id: "c", kind: "context", height: LOW, model: route.context_fallback }] : []],
    ["shadow", "copy", route.shadow ? [{ id: "s", kind: "shadow", height: high, index: route.deployments.length, share: route.shadow.percent / 100 }] : []],
  ];
  for (const [label, way, boxes] of others) if (boxes.length > 0) stages.push({ label, way, boxes });
  return stages;
}

const tall = (boxes: Stage["boxes"]): number => boxes.reduce((sum, { height }) => sum + height + GAP, -GAP);

/** Where everything stands on `width` px: stages from left to right, or below each other where that is too narrow.
    `low`: there is no line for how a deployment does. */
export function flowOf(route: Route, width: number, low = false): Flow {
  const stages = stagesOf(route, low ? LOW : HIGH);
  const main = stages.filter(({ label }) => label === null || label === "else" || label === "fallback");
  return width < NARROW || width < 150 + main.length * 200 ? down(stages, width) : across(stages, main, width);
}

function across(stages: readonly Stage[], main: readonly Stage[], width: number): Flow {
  const boxes: Box[] = [];
  const edges: Edge[] = [];
  const labels: Label[] = [];
  const entry = 132;
  const space = 76;
  const wide = Math.min(300, Math.floor((width - entry - space * main.length) / main.length));
  const body = Math.max(LOW, ...main.map((stage) => tall(stage.boxes)));
  const top = main.some(({ label }) => label) ? SAID : 0;
  const middle = top + body / 2;
  boxes.push({ id: "entry", kind: "entry", x: 0, y: middle - HIGH / 2, width: entry, height: HIGH });
  let from = { x: entry, y: middle };
  main.forEach((stage, place) => {
    const x = entry + space + place * (wide + space);
    let y = top + (body - tall(stage.boxes)) / 2;
    if (stage.label) labels.push({ id: `l${place}`, text: stage.label, x: x - space / 2, y: y - SAID, width: wide + space / 2 });
    for (const box of stage.boxes) {
      const to = y + box.height / 2;
      const bend = space / 2;
      boxes.push({ ...box, x, y, width: wide });
      edges.push({
        id: box.id,
        way: stage.way,
        width: stage.way === "call" ? thick(box.share ?? 0) : 1.5,
        path: `M${from.x} ${from.y} C${from.x + bend} ${from.y} ${x - bend} ${to} ${x} ${to}`,
      });
      y += box.height + GAP;
    }
    from = { x: x + wide, y: middle };
  });
  let y = Math.max(top + body, middle + HIGH / 2) + 20;
  for (const stage of stages) {
    if (main.includes(stage)) continue;
    const x = entry + space;
    labels.push({ id: stage.label ?? "", text: stage.label ?? "else", x: x, y: y - 4, width: width - x });
    for (const box of stage.boxes) {
      y += SAID;
      boxes.push({ ...box, x, y, width: wide });
      edges.push({ id: box.id, way: stage.way, width: 1.5, path: `M${entry / 2} ${middle + HIGH / 2} V${y + box.height / 2 - 8} q0 8 8 8 H${x}` });
      y += box.height;
    }
    y += 16;
  }
  return { width, height: Math.max(y - 16, middle + HIGH / 2, top + body) + 2, boxes, edges, labels };
}

function down(stages: readonly Stage[], width: number): Flow {
  const boxes: Box[] = [{ id: "entry", kind: "entry", x: 0, y: 0, width, height: LOW + 10 }];
  const edges: Edge[] = [];
  const labels: Label[] = [];
  const rail = 12;
  let y = LOW + 10 + GAP;
  stages.forEach((stage, place) => {
    if (stage.label) {
      labels.push({ id: `l${place}`, text: stage.label, x: INDENT, y, width: width - INDENT });
      y += SAID;
    }
    for (const box of stage.boxes) {
      const to = y + box.height / 2;
      boxes.push({ ...box, x: INDENT, y, width: width - INDENT });
      edges.push({
        id: box.id,
        way: stage.way,
        width: stage.way === "call" ? thick(box.share ?? 0) : 1.5,
        path: `M${rail} ${LOW + 10} V${to - 6} q0 6 6 6 H${INDENT}`,
      });
      y += box.height + GAP;
    }
  });
  return { width, height: y, boxes, edges, labels };
}
