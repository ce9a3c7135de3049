/** Settings as they are drawn: those this version knows by their names. */

const KNOWN = ["dense", "keyword", "hybrid", "rerank", "now", "trial"] as const;
export type SettingName = (typeof KNOWN)[number];

export const settingName = (name: string): SettingName => KNOWN.find((one) => one === name) ?? "trial";

export const FILLS: Record<SettingName, string> = {
  dense: "bg-dense",
  keyword: "bg-keyword",
  hybrid: "bg-fused",
  rerank: "bg-s5",
  now: "bg-s6",
  trial: "bg-rest",
};
