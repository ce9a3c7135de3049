import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type SearchRule, retrievalOf } from "@/api/evaluation";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { TakeSetting } from "@/pages/knowledge/evaluation/TakeSetting";
import { RuleForm } from "@/pages/knowledge/retrieval/RuleForm";
import { differenceOf } from "@/pages/knowledge/retrieval/rule";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { SkeletonRows } from "@/ui/States";

/** How the base is searched unless somebody says otherwise, and what that costs. */
export function RetrievalPanel({ base }: { base: string }) {
  const { t } = useTranslation();
  const may = useMay()("editor");
  const { data: now, error, refetch } = useQuery(retrievalOf(base));
  const [draft, setDraft] = useState<SearchRule | null>(null);
  const [saving, setSaving] = useState(false);
  const difference = now && draft ? differenceOf(now, draft) : undefined;
  return (
    <Panel
      title={t("retrieval.panel")}
      hint={t("retrieval.panelText")}
      actions={
        <Link to="/knowledge/$base/retrieval" params={{ base }} search={{ rule: difference }} className="text-accent-ink hover:underline">
          {t("retrieval.tryIt")}
        </Link>
      }
    >
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!now && !error && <SkeletonRows label={t("common.loading")} />}
      {now && (
        <>
          <RuleForm base={base} rule={draft ?? now} onChange={setDraft} disabled={!may} />
          {difference && (
            <div className="flex flex-wrap justify-end gap-2 border-t border-line pt-4">
              <Button onClick={() => setDraft(null)}>{t("common.cancel")}</Button>
              <Button kind="primary" onClick={() => setSaving(true)}>
                {t("retrieval.save")}
              </Button>
            </div>
          )}
          <TakeSetting
            base={base}
            now={now}
            next={saving ? draft : null}
            name="trial"
            onClose={() => setSaving(false)}
            onTaken={() => setDraft(null)}
          />
        </>
      )}
    </Panel>
  );
}
