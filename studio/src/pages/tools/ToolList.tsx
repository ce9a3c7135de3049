import { Play, Wrench } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { ToolShown } from "@/api/client";
import { matches } from "@/frame/filter";
import { GROUPS, type Group, codeOf, groupOf, iconOf, providerOf } from "@/pages/tools/providers";
import { keyOf } from "@/pages/tools/schema";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Input } from "@/ui/Field";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { SkeletonRows } from "@/ui/States";

const AT_ONCE = 50;

interface ToolListProps {
  tools: readonly ToolShown[] | undefined;
  onTry: ((tool: ToolShown) => void) | undefined;
}

/** All tools, found by words and by where they come from. */
export function ToolList({ tools, onTry }: ToolListProps) {
  const { t, i18n } = useTranslation();
  const [typed, setTyped] = useState("");
  const [group, setGroup] = useState<Group | "all">("all");
  const [most, setMost] = useState(AT_ONCE);
  const language = i18n.language === "ko" ? "ko" : "en";
  const shown = (tools ?? []).filter((tool) => {
    const { label, help } = tool.words[language];
    const words = `${label} ${help} ${tool.tool_name} ${tool.provider_name} ${tool.description}`;
    return (group === "all" || groupOf(tool) === group) && matches(words, typed);
  });
  const there = GROUPS.filter((one) => tools?.some((tool) => groupOf(tool) === one));
  return (
    <Panel title={t("tools.all")} hint={t("tools.allText")} flush>
      <div className="flex flex-wrap items-center gap-2 border-b border-line p-3">
        <Input
          type="search"
          aria-label={t("tools.find")}
          placeholder={t("tools.find")}
          value={typed}
          onChange={(event) => {
            setTyped(event.target.value);
            setMost(AT_ONCE);
          }}
          className="max-w-72 grow basis-40"
        />
        <div className="grow" />
        <Select
          label={t("tools.from")}
          value={group}
          choices={[
            { value: "all", label: t("tools.group.all") },
            ...there.map((value) => ({ value, label: t(`tools.group.${value}`) })),
          ]}
          onChange={setGroup}
        />
      </div>
      {!tools && <SkeletonRows label={t("common.loading")} />}
      {tools && shown.length === 0 && <p className="p-8 text-center text-muted">{t("common.noMatch")}</p>}
      <ul aria-label={t("tools.all")}>
        {shown.slice(0, most).map((tool) => (
          <Row key={keyOf(tool)} tool={tool} language={language} onTry={onTry} />
        ))}
      </ul>
      {shown.length > most && (
        <div className="flex flex-wrap items-center justify-center gap-3 border-t border-line p-3 text-sm text-muted">
          {t("tools.more", { count: shown.length - most })}
          <Button size="small" icon={Wrench} onClick={() => setMost(most + 4 * AT_ONCE)}>
            {t("tools.showMore")}
          </Button>
        </div>
      )}
    </Panel>
  );
}

interface RowProps {
  tool: ToolShown;
  language: "en" | "ko";
  onTry: ((tool: ToolShown) => void) | undefined;
}

function Row({ tool, language, onTry }: RowProps) {
  const { t } = useTranslation();
  const Icon = iconOf(tool);
  const { label, help } = tool.words[language];
  const code = codeOf(tool);
  return (
    <li className="flex items-start gap-3 border-b border-line px-4 py-3 last:border-b-0">
      <div className="mt-0.5 rounded-md bg-sunken p-1.5 text-muted">
        <Icon size={16} aria-hidden />
      </div>
      <div className="min-w-0 grow">
        <p className="flex flex-wrap items-center gap-x-2 gap-y-1">
          <span className="font-medium break-words">{label}</span>
          <Badge>{providerOf(tool, t)}</Badge>
        </p>
        {(help || tool.description) && <p className="line-clamp-2 text-sm break-words text-muted">{help || tool.description}</p>}
        {code && code !== label && <p className="mt-0.5 font-mono text-xs break-all text-faint">{code}</p>}
      </div>
      {onTry && (
        <Button size="small" icon={Play} aria-label={t("tools.tryOne", { name: label })} onClick={() => onTry(tool)}>
          {t("tools.try")}
        </Button>
      )}
    </li>
  );
}
