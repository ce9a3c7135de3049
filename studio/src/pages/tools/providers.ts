/** Whose tools are whose: an icon and a name for each provider. */

import { AppWindow, BookOpen, Calculator, Clock, Code, FileJson, Globe, type LucideIcon, MessagesSquare, Send } from "lucide-react";
import type { TFunction } from "i18next";

import type { ToolShown } from "@/api/client";

const OURS: Readonly<Record<string, LucideIcon>> = {
  time: Clock,
  maths: Calculator,
  webscraper: Globe,
  http: Send,
  code: Code,
};
const KINDS: Readonly<Record<string, LucideIcon>> = { api: FileJson, workflow: AppWindow, app: MessagesSquare, "dataset-retrieval": BookOpen };

export const iconOf = (tool: ToolShown): LucideIcon => OURS[tool.provider_id] ?? KINDS[tool.provider_type] ?? FileJson;

export const GROUPS = ["builtin", "api", "workflow", "knowledge"] as const;
export type Group = (typeof GROUPS)[number];

export function groupOf(tool: ToolShown): Group {
  if (tool.provider_type === "dataset-retrieval") return "knowledge";
  if (tool.provider_type === "app") return "workflow";
  return GROUPS.find((group) => group === tool.provider_type) ?? "builtin";
}

/** A name where the provider has one that says more than the tool's group. */
export const providerOf = (tool: ToolShown, t: TFunction): string =>
  tool.provider_type === "api" ? tool.provider_name : t(`tools.group.${groupOf(tool)}`);

/** How a workflow's file names it; "" where that is an id. */
export function codeOf(tool: ToolShown): string {
  if (groupOf(tool) === "builtin") return `${tool.provider_id}/${tool.tool_name}`;
  return tool.provider_type === "api" ? tool.tool_name : "";
}
