import { useQuery } from "@tanstack/react-query";
import { KeyRound } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import { bases } from "@/api/queries";
import { useMay } from "@/frame/role";
import { CodeBlock } from "@/pages/apps/CodeBlock";
import { NewKey } from "@/pages/settings/NewKey";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Dialog } from "@/ui/Dialog";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";

/** How others ask knowledge of ours: address, knowledge, key, and a line to try it. */
export function ServeHere() {
  const { t } = useTranslation();
  const may = useMay()("admin");
  const { data } = useQuery(bases);
  const [wanted, setWanted] = useState("");
  const [making, setMaking] = useState(false);
  const ours = data?.filter(({ base }) => base.external_api_id === null) ?? [];
  const chosen = ours.find(({ base }) => base.id === wanted)?.base ?? ours[0]?.base;
  const { origin } = window.location;
  const asked = JSON.stringify({
    knowledge_id: chosen?.id ?? "",
    query: t("external.testQuery"),
    retrieval_setting: { top_k: 3, score_threshold: 0 },
  });
  const lines = [
    `curl ${origin}/retrieval \\`,
    '  -H "Authorization: Bearer dataset-..." \\',
    '  -H "Content-Type: application/json" \\',
    `  -d '${asked}'`,
  ];
  return (
    <Panel title={t("external.serve")} hint={t("external.serveText")}>
      {chosen === undefined ? (
        <p className="text-muted">{t("external.serveNone")}</p>
      ) : (
        <div className="flex flex-col gap-4">
          <dl className="grid gap-x-6 gap-y-3 sm:grid-cols-[auto_1fr] sm:items-center">
            <Row label={t("external.base")}>
              <Select
                label={t("external.base")}
                value={chosen.id}
                choices={ours.map(({ base }) => ({ value: base.id, label: base.name }))}
                onChange={setWanted}
                className="w-full max-w-sm"
              />
            </Row>
            <Row label={t("external.address")}>
              <Value text={origin} />
            </Row>
            <Row label={t("external.id")}>
              <Value text={chosen.id} />
            </Row>
            <Row label={t("external.key")}>
              <span className="flex flex-wrap items-center gap-x-3 gap-y-1.5">
                {may && (
                  <Button size="small" icon={KeyRound} onClick={() => setMaking(true)}>
                    {t("external.makeKey")}
                  </Button>
                )}
                <span className="text-sm text-muted">{may ? t("external.serveKey") : t("external.serveKeyAsk")}</span>
              </span>
            </Row>
          </dl>
          <CodeBlock text={lines.join("\n")} label={t("common.copy")} />
        </div>
      )}
      <Dialog open={making} onClose={() => setMaking(false)} title={t("keys.new")} closeLabel={t("common.close")} wide>
        <NewKey only="dataset" onClose={() => setMaking(false)} />
      </Dialog>
    </Panel>
  );
}

function Row({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className="contents">
      <dt className="text-sm font-medium">{label}</dt>
      <dd className="-mt-2 min-w-0 sm:mt-0">{children}</dd>
    </div>
  );
}

function Value({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <span className="flex items-center gap-1">
      <code className="min-w-0 rounded-sm bg-sunken px-2 py-1 font-mono text-sm break-all">{text}</code>
      <Copy text={text} label={t("common.copy")} doneLabel={t("common.copied")} />
    </span>
  );
}
