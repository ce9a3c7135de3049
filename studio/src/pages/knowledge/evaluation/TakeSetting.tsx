import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import type { SearchRule } from "@/api/evaluation";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { toast } from "@/ui/Toasts";
import { settingName } from "@/pages/knowledge/evaluation/names";

const PARTS = ["mode", "fusion", "dense_weight", "rerank", "multi_query", "auto_merge", "top_k", "threshold"] as const;

interface TakeSettingProps {
  base: string;
  now: SearchRule;
  next: SearchRule | null;
  name: string;
  onClose: () => void;
  onTaken?: () => void;
}

/** Makes a measured setting the base's own, once it was seen what that changes. */
export function TakeSetting({ base, now, next, name, onClose, onTaken }: TakeSettingProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const take = useMutation({
    mutationFn: (rule: SearchRule) =>
      body(api.PUT("/knowledge/{base}/retrieval", { params: { path: { base } }, body: rule as never })),
    onSuccess: async () => {
      toast(t("evaluation.taken"));
      onClose();
      onTaken?.();
      await client.invalidateQueries({ queryKey: ["knowledge", base] });
    },
  });
  const said = (value: SearchRule[(typeof PARTS)[number]] | undefined): string => {
    if (value === null || value === undefined) return t("evaluation.value.none");
    if (typeof value === "boolean") return value ? t("evaluation.value.on") : t("evaluation.value.off");
    switch (value) {
      case "dense":
      case "keyword":
      case "hybrid":
      case "weights":
      case "ranks":
        return t(`evaluation.value.${value}`);
      default:
        return String(value);
    }
  };
  const changes = next ? PARTS.filter((part) => next[part] !== now[part]) : [];
  return (
    <ConfirmChange
      open={next !== null}
      onClose={onClose}
      onConfirm={() => next && take.mutate(next)}
      change={take}
      title={t("evaluation.takeTitle", { setting: t(`evaluation.setting.${settingName(name)}`) })}
      text={t("evaluation.takeText")}
      confirmLabel={t("evaluation.take")}
      harmless
    >
      <dl className="mt-4 grid grid-cols-[auto_1fr] gap-x-6 gap-y-1.5 text-base">
        {changes.map((part) => (
          <div key={part} className="contents">
            <dt className="text-muted">{t(`evaluation.part.${part}`)}</dt>
            <dd>
              <s className="text-muted">{said(now[part])}</s> → <strong className="font-semibold">{next && said(next[part])}</strong>
            </dd>
          </div>
        ))}
      </dl>
    </ConfirmChange>
  );
}
