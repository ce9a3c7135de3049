import { FileUp, MessagesSquare, Plus, Trash2 } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Citation } from "@/api/ask";
import { ApiError } from "@/api/errors";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { CitationChip, CitationMark } from "@/pages/chat/Answer";
import { StateBadge } from "@/pages/knowledge/State";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Chips } from "@/ui/Chips";
import { Confirm, Dialog, SidePanel } from "@/ui/Dialog";
import { Checkbox, Field, Input, TextArea } from "@/ui/Field";
import { Kbd } from "@/ui/Kbd";
import { Markdown } from "@/ui/Markdown";
import { Menu } from "@/ui/Menu";
import { PageHead, Panel } from "@/ui/Panel";
import { Progress, ScoreBar } from "@/ui/Progress";
import { Segments } from "@/ui/Segments";
import { Select } from "@/ui/Select";
import { EmptyState, SkeletonRows } from "@/ui/States";
import { Table } from "@/ui/Table";
import { toast } from "@/ui/Toasts";
import { Bars } from "@/ui/chart/Bars";
import { Meter } from "@/ui/chart/Meter";
import { Trend } from "@/ui/chart/Trend";
import { SERIES } from "@/ui/chart/series";

const COLOURS = [
  "canvas", "surface", "raised", "sunken", "hover", "line", "control", "ink", "muted", "faint", "accent", "accent-strong",
  "on-accent", "accent-soft", "accent-ink", "good", "good-soft", "warn", "warn-soft", "bad", "bad-soft", "bad-fill", "on-bad",
  "info", "info-soft", "dense", "keyword", "fused", "s1", "s2", "s3", "s4", "s5", "s6", "rest",
  "lit",
] as const; // prettier-ignore
const SIZES = ["xs", "sm", "base", "md", "lg", "xl"] as const;

const CITATION: Citation = {
  position: 1,
  document: "복리후생 및 출장 안내.pdf",
  document_id: "d",
  knowledge: "demo",
  knowledge_id: "k",
  chunk_id: "c",
  text: "",
  score: 0.92,
  scores: { dense: 0.83, keyword: 12.4, rerank: null, graph: null },
  page: 2,
  heading_path: [],
  quote: "",
};
const ANSWER = `Quoted from the documents.

> 연차는 입사 3년 차에 **16일**입니다. [1]

| City | Cap |
| --- | --- |
| Seoul | $235 |

\`\`\`sh
llmflow ask demo "연차는 며칠인가요?"
\`\`\``;
const BROKEN = new ApiError(503, {
  code: "organ_unavailable",
  message: "The model server at http://127.0.0.1:11434 does not answer.",
  hint: "Start it, or choose another one under organs.llm.",
  param: null,
  request_id: "01a208c3-2cad-7f2f-b6ef-7de809a23471",
});

/** What Studio is made of, in both themes beside each other. */
export function Gallery() {
  const { t } = useTranslation();
  useEffect(() => {
    document.title = `${t("gallery.title")} · LLMFlow`;
  }, [t]);
  return (
    <main className="grid min-h-dvh xl:grid-cols-2">
      {(["light", "dark"] as const).map((theme) => (
        <div key={theme} data-theme={theme} className="min-w-0 bg-canvas px-4 py-6 text-ink sm:px-8">
          <PageHead title={`${t("gallery.title")} · ${t(`theme.${theme}`)}`} hint={t("gallery.text")} />
          <div className="flex flex-col gap-5">
            <Tokens />
            <Controls />
            <Status />
            <States />
            <Charts />
          </div>
        </div>
      ))}
    </main>
  );
}

function Tokens() {
  const { t } = useTranslation();
  return (
    <>
      <Panel title={t("gallery.colours")}>
        <ul className="grid grid-cols-[repeat(auto-fill,minmax(7.5rem,1fr))] gap-3">
          {COLOURS.map((name) => (
            <li key={name} className="flex items-center gap-2 text-sm">
              <span className="size-7 shrink-0 rounded-md border border-line" style={{ background: `var(--${name})` }} />
              {name}
            </li>
          ))}
        </ul>
      </Panel>
      <Panel title={t("gallery.type")}>
        {SIZES.map((size) => (
          <p key={size} style={{ fontSize: `var(--text-${size})` }} className="mb-1">
            <code className="mr-3 font-mono text-xs text-faint">{size}</code>
            {t("gallery.sample")}
          </p>
        ))}
      </Panel>
    </>
  );
}

function Row({ children }: { children: ReactNode }) {
  return <div className="mb-3 flex flex-wrap items-center gap-2 last:mb-0">{children}</div>;
}

function Controls() {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<"one" | "two">("one");
  const [chips, setChips] = useState<readonly string[]>([t("members.editor")]);
  const [open, setOpen] = useState<"dialog" | "confirm" | "side" | null>(null);
  const close = () => setOpen(null);
  return (
    <>
      <Panel title={t("gallery.buttons")}>
        {(["normal", "small"] as const).map((size) => (
          <Row key={size}>
            <Button size={size} kind="primary" icon={Plus}>
              {t("common.create")}
            </Button>
            <Button size={size}>{t("common.cancel")}</Button>
            <Button size={size} kind="quiet">
              {t("common.close")}
            </Button>
            <Button size={size} kind="danger">
              {t("common.delete")}
            </Button>
            <Button size={size} busy>
              {t("retrieval.search")}
            </Button>
            <Button size={size} disabled>
              {t("common.retry")}
            </Button>
            <IconButton size={size} icon={Trash2} label={t("common.delete")} />
          </Row>
        ))}
        <Row>
          <Kbd keys="mod+k" />
          <Kbd keys="g k" />
        </Row>
      </Panel>
      <Panel title={t("gallery.forms")}>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label={t("common.name")} hint={t("common.optional")}>
            {(ids) => <Input {...ids} placeholder={t("chat.placeholder")} />}
          </Field>
          <Field label={t("session.password")} error={t("form.required")}>
            {(ids) => <Input {...ids} type="password" defaultValue="short" />}
          </Field>
          <Field label={t("apps.instruction")}>{(ids) => <TextArea {...ids} />}</Field>
          <Field label={t("tags.title")} hint={t("tags.howTo")}>
            {(ids) => (
              <Chips
                {...ids}
                values={chips}
                known={[t("members.owner"), t("members.member")]}
                onChange={setChips}
                removeLabel={(name) => t("tags.remove", { name })}
                addLabel={(name) => t("tags.add", { name })}
                knownLabel={t("tags.known")}
              />
            )}
          </Field>
          <div className="flex flex-col gap-3">
            <Select
              label={t("keys.kind")}
              value={chosen}
              choices={[
                { value: "one", label: t("score.fused"), hint: t("retrieval.fusedText") },
                { value: "two", label: t("score.dense"), hint: t("retrieval.denseText") },
              ]}
              onChange={setChosen}
            />
            <Checkbox label={t("nav.knowledge")} defaultChecked />
            <Segments
              label={t("keys.kind")}
              value={chosen}
              choices={[
                { value: "one", label: t("score.fused") },
                { value: "two", label: t("score.dense") },
              ]}
              onChange={setChosen}
            />
          </div>
        </div>
      </Panel>
      <Panel title={t("gallery.overlays")}>
        <Row>
          <Button onClick={() => setOpen("dialog")}>{t("knowledge.new")}</Button>
          <Button onClick={() => setOpen("confirm")}>{t("common.delete")}</Button>
          <Button onClick={() => setOpen("side")}>{t("chat.sources")}</Button>
          <Button onClick={() => toast(t("keys.revoked"))}>{t("gallery.show")}</Button>
          <Menu
            trigger={<Button>{t("frame.menu")}</Button>}
            groups={[
              { title: t("nav.chat"), items: [{ id: "a", label: t("chat.new"), icon: MessagesSquare, shortcut: "mod+k", run: close }] },
              { items: [{ id: "b", label: t("common.delete"), icon: Trash2, danger: true, run: close }] },
            ]}
          />
        </Row>
        <Dialog open={open === "dialog"} onClose={close} title={t("knowledge.new")} hint={t("knowledge.newText")} closeLabel={t("common.close")}>
          <Field label={t("common.name")}>{(ids) => <Input {...ids} />}</Field>
        </Dialog>
        <Confirm
          open={open === "confirm"}
          onClose={close}
          onConfirm={close}
          title={t("knowledge.delete", { name: "demo" })}
          text={t("knowledge.deleteDocumentText")}
          confirmLabel={t("common.delete")}
          cancelLabel={t("common.cancel")}
        />
        <SidePanel open={open === "side"} onClose={close} title={CITATION.document} hint={CITATION.knowledge} closeLabel={t("common.close")}>
          {t("gallery.sample")}
        </SidePanel>
      </Panel>
    </>
  );
}

function Status() {
  const { t } = useTranslation();
  return (
    <>
      <Panel title={t("gallery.status")}>
        <Row>
          {(["queued", "running", "ready", "failed", "deleting"] as const).map((state) => (
            <StateBadge key={state} state={state} />
          ))}
        </Row>
        <Row>
          {(["plain", "good", "warn", "bad", "info", "accent"] as const).map((tone) => (
            <Badge key={tone} tone={tone}>
              {tone}
            </Badge>
          ))}
        </Row>
        <Row>
          <Progress part={0.6} label={t("stage.embed")} className="w-40" />
          <Progress part={null} label={t("stage.parse")} className="w-40" />
        </Row>
        <Row>
          <ScoreBar tone="fused" value="0.917" part={1} />
          <ScoreBar tone="dense" value="0.832" part={0.8} />
          <ScoreBar tone="keyword" value="12.40" part={0.5} />
        </Row>
      </Panel>
      <Panel title={t("gallery.tables")} flush>
        <Table
          label={t("gallery.tables")}
          rows={["demo", "team"]}
          rowKey={(row) => row}
          columns={[
            { id: "name", title: t("common.name"), cell: (row) => row, className: "w-full" },
            { id: "state", title: t("knowledge.state"), cell: () => <StateBadge state="ready" /> },
            { id: "size", title: t("knowledge.size"), align: "right", cell: () => "1.2 MB" },
          ]}
        />
      </Panel>
      <Panel title={t("gallery.answer")}>
        <Markdown
          text={ANSWER}
          mark={(position) => (position === 1 ? <CitationMark citation={CITATION} onOpen={() => undefined} /> : null)}
          copyLabel={t("common.copy")}
          copiedLabel={t("common.copied")}
        />
        <CitationChip citation={CITATION} onOpen={() => undefined} />
      </Panel>
    </>
  );
}

function States() {
  const { t } = useTranslation();
  return (
    <Panel title={t("gallery.states")}>
      <ErrorPanel error={BROKEN} onRetry={() => undefined} />
      <SkeletonRows rows={2} label={t("common.loading")} />
      <EmptyState icon={FileUp} title={t("knowledge.noDocuments")} text={t("knowledge.noDocumentsText")}>
        <Button kind="primary" icon={FileUp}>
          {t("uploads.add")}
        </Button>
      </EmptyState>
    </Panel>
  );
}

const MONTHS = Array.from({ length: 12 }, (_, index) => ({ id: `${index + 1}`, short: `${index + 1}`, long: `${index + 1}` }));
const BARS = SERIES.map((tone, at) => ({ id: tone, label: tone, tone, values: MONTHS.map((_, index) => ((index * 7 + at * 5) % 11) + 1) }));

function Charts() {
  const { t } = useTranslation();
  const words = { table: t("chart.table"), chart: t("chart.chart"), column: t("chart.day"), total: t("chart.total") };
  return (
    <Panel title={t("gallery.charts")}>
      <Bars
        title={t("gallery.sample")}
        label={t("gallery.charts")}
        columns={MONTHS}
        series={BARS}
        format={(value) => `$${value}`}
        bound={{ value: 40, label: t("gallery.show") }}
        words={words}
      />
      <div className="mt-4 grid gap-4 sm:grid-cols-3">
        {[0.4, 0.9, 1.2].map((part) => (
          <Meter key={part} label={t("spend.measure.usd")} used={part * 50} bound={50} text={`$${part * 50} / $50`} />
        ))}
      </div>
      <div className="mt-4">
        <Trend label={t("gallery.charts")} values={[4, 6, 5, 9, 12, 7, null, 8, 6, 5]} room={12} />
      </div>
    </Panel>
  );
}
