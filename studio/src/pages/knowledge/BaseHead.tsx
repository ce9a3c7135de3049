import { useQuery } from "@tanstack/react-query";
import { linkOptions, useNavigate } from "@tanstack/react-router";
import { EllipsisVertical, Pencil, Trash2 } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { BaseWithCounts } from "@/api/client";
import { baseOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { ChangeBase } from "@/pages/knowledge/ChangeBase";
import { LoseBase } from "@/pages/knowledge/LoseBase";
import { StateCounts } from "@/pages/knowledge/State";
import { IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { PageHead } from "@/ui/Panel";
import { LinkTab, LinkTabs } from "@/ui/Tabs";

/** Name, counts, settings and tabs of one knowledge base. */
export function BaseHead({ id }: { id: string }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const { data, error, refetch } = useQuery(baseOf(id));
  const may = useMay()("editor");
  const [changing, setChanging] = useState(false);
  const [losing, setLosing] = useState(false);
  const name = data?.base.name ?? "";
  const isElsewhere = data !== undefined && data.base.external_api_id !== null;
  useCrumbs({ label: t("nav.knowledge"), to: "/knowledge" }, { label: name });
  if (error) {
    return (
      <>
        <PageHead title={t("nav.knowledge")} />
        <ErrorPanel error={error} onRetry={() => void refetch()} />
      </>
    );
  }
  return (
    <>
      <PageHead
        title={name || " "}
        hint={data && <Hint base={data.base} />}
        actions={
          data && (
            <div className="flex items-center gap-2">
              {!isElsewhere && <StateCounts counts={data.documents} />}
              {may && (
                <Menu
                  trigger={<IconButton icon={EllipsisVertical} label={t("knowledge.more")} />}
                  groups={[
                    {
                      items: [
                        { id: "change", label: t("knowledge.change"), icon: Pencil, run: () => setChanging(true) },
                        { id: "lose", label: t("knowledge.deleteThis"), icon: Trash2, danger: true, run: () => setLosing(true) },
                      ],
                    },
                  ]}
                />
              )}
            </div>
          )
        }
      />
      <LinkTabs label={name}>
        <LinkTab link={linkOptions({ to: "/knowledge/$base", params: { base: id } })}>{isElsewhere ? t("external.title") : t("knowledge.documents")}</LinkTab>
        {!isElsewhere && <LinkTab link={linkOptions({ to: "/knowledge/$base/retrieval", params: { base: id } })}>{t("retrieval.title")}</LinkTab>}
        {may && !isElsewhere && (
          <LinkTab link={linkOptions({ to: "/knowledge/$base/evaluation", params: { base: id } })}>{t("evaluation.title")}</LinkTab>
        )}
        {may && !isElsewhere && <LinkTab link={linkOptions({ to: "/knowledge/$base/sources", params: { base: id } })}>{t("sources.title")}</LinkTab>}
        {may && <LinkTab link={linkOptions({ to: "/knowledge/$base/access", params: { base: id } })}>{t("access.title")}</LinkTab>}
        {!isElsewhere && <LinkTab link={linkOptions({ to: "/knowledge/$base/settings", params: { base: id } })}>{t("knowledge.settings")}</LinkTab>}
      </LinkTabs>
      <ChangeBase one={changing ? (data ?? null) : null} onClose={() => setChanging(false)} />
      <LoseBase
        one={losing ? (data ?? null) : null}
        onClose={() => setLosing(false)}
        onLost={() => void go({ to: "/knowledge" })}
      />
    </>
  );
}

/** A pipeline cuts by its own sizes, which are not the base's; an external base is cut elsewhere. */
function Hint({ base }: { base: BaseWithCounts["base"] }) {
  const { t } = useTranslation();
  const model = base.embedding_model || t("knowledge.modelLater");
  const size = base.pipeline_id ? "" : ` · ${t("knowledge.chunks", { count: base.chunk_tokens })}`;
  return (
    <>
      {base.description && <span className="block">{base.description}</span>}
      <span className="block text-sm text-faint">
        {base.external_api_id ? t("external.baseHint") : `${t("knowledge.embedding")}: ${model}${size}`}
      </span>
    </>
  );
}
