import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { Gauge, Pencil, Search, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type BaseWithCounts, api, body } from "@/api/client";
import { externals } from "@/api/external";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Rename } from "@/frame/Rename";
import { useMay } from "@/frame/role";
import { Records } from "@/pages/knowledge/external/Records";
import { TrialResult } from "@/pages/knowledge/external/TrialResult";
import { Button, IconButton } from "@/ui/Button";
import { Field, Input } from "@/ui/Field";
import { Panel } from "@/ui/Panel";

/** A knowledge base that is another server's: where it is, whether it answers, and what it finds. */
export function ExternalBase({ one }: { one: BaseWithCounts }) {
  const may = useMay()("editor");
  return (
    <div className="flex flex-col gap-4">
      {may && <Where one={one} />}
      <Ask base={one.base.id} />
    </div>
  );
}

function Where({ one: { base } }: { one: BaseWithCounts }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data } = useQuery(externals);
  const server = data?.find(({ id }) => id === base.external_api_id);
  const [changing, setChanging] = useState(false);
  const change = useMutation({
    mutationFn: (external_id: string) => body(api.PATCH("/knowledge/{base}", { params: { path: { base: base.id } }, body: { external_id } })),
    onSuccess: async () => {
      setChanging(false);
      await client.invalidateQueries({ queryKey: ["knowledge"] });
    },
  });
  const test = useMutation({
    mutationFn: () =>
      body(
        api.POST("/external-knowledge/{api}/try", {
          params: { path: { api: base.external_api_id ?? "" } },
          body: { knowledge_id: base.external_id, query: t("external.testQuery") },
        }),
      ),
  });
  return (
    <Panel
      title={t("external.where")}
      hint={t("external.whereText")}
      actions={
        <Button size="small" icon={Gauge} busy={test.isPending} onClick={() => test.mutate()}>
          {t("external.test")}
        </Button>
      }
    >
      <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[auto_1fr] sm:items-center">
        <dt className="text-sm font-medium">{t("external.server")}</dt>
        <dd className="-mt-1 min-w-0 sm:mt-0">
          <Link to="/external-knowledge" className="font-medium hover:underline">
            {server?.name ?? "–"}
          </Link>{" "}
          <span className="font-mono text-sm break-all text-muted">{server?.url}</span>
        </dd>
        <dt className="text-sm font-medium">{t("external.id")}</dt>
        <dd className="-mt-1 flex min-w-0 items-center gap-1 sm:mt-0">
          <code className="min-w-0 rounded-sm bg-sunken px-2 py-1 font-mono text-sm break-all">{base.external_id}</code>
          <IconButton icon={Pencil} size="small" label={t("external.changeId")} onClick={() => setChanging(true)} />
        </dd>
      </dl>
      <div aria-live="polite" className="mt-4 empty:hidden">
        {test.error && <ErrorPanel error={test.error} />}
        {test.data && <TrialResult tried={test.data} />}
      </div>
      <Rename
        title={t("external.changeId")}
        label={t("external.id")}
        name={changing ? base.external_id : null}
        most={500}
        change={change}
        onRename={(id) => change.mutate(id)}
        onClose={() => setChanging(false)}
      />
    </Panel>
  );
}

/** A question as an app would ask it. */
function Ask({ base }: { base: string }) {
  const { t } = useTranslation();
  const [query, setQuery] = useState("");
  const ask = useMutation({
    mutationFn: (asked: string) => body(api.POST("/knowledge/{base}/search", { params: { path: { base } }, body: { query: asked } })),
  });
  return (
    <Panel title={t("external.ask")} hint={t("external.askText")}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          ask.mutate(query.trim());
        }}
      >
        <Field label={t("retrieval.query")}>
          {(ids) => (
            <div className="flex flex-wrap gap-2">
              <Input {...ids} required maxLength={1000} value={query} onChange={(event) => setQuery(event.target.value)} className="min-w-0 grow basis-48" />
              <Button type="submit" kind="primary" icon={Search} busy={ask.isPending}>
                {t("retrieval.search")}
              </Button>
            </div>
          )}
        </Field>
      </form>
      <div aria-live="polite" className="mt-4 flex flex-col gap-3 empty:hidden">
        {ask.error && <ErrorPanel error={ask.error} />}
        {ask.data?.notes.map((note) => (
          <p key={note.code} className="flex items-start gap-2 rounded-md bg-warn-soft px-3 py-2 text-warn">
            <TriangleAlert size={16} aria-hidden className="mt-0.5 shrink-0" />
            <span className="min-w-0 break-words">
              {t("external.askFailed")} <span className="block text-sm" lang="en">{note.text}</span>
            </span>
          </p>
        ))}
        {ask.data && ask.data.found.length === 0 && ask.data.notes.length === 0 && <p className="text-muted">{t("external.askNothing")}</p>}
        {ask.data && ask.data.found.length > 0 && (
          <Records label={t("external.ask")} records={ask.data.found.map(({ document, text, score }) => ({ title: document, text, score }))} />
        )}
      </div>
    </Panel>
  );
}
