import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { BookOpen, EllipsisVertical, FileInput, Globe, LockKeyhole, Pencil, Plus, Tag as TagIcon, Trash2, Users } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import type { BaseWithCounts } from "@/api/client";
import { bases } from "@/api/queries";
import { tags } from "@/api/tags";
import { Listing } from "@/frame/Listing";
import { useCrumbs } from "@/frame/crumbs";
import { matches } from "@/frame/filter";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { ChangeBase } from "@/pages/knowledge/ChangeBase";
import { ImportPipeline } from "@/pages/knowledge/ImportPipeline";
import { LoseBase } from "@/pages/knowledge/LoseBase";
import { NewBase } from "@/pages/knowledge/NewBase";
import { StateCounts } from "@/pages/knowledge/State";
import { ManageTags } from "@/pages/knowledge/tags/ManageTags";
import { TagFilter } from "@/pages/knowledge/tags/TagFilter";
import { Badge } from "@/ui/Badge";
import { Button, IconButton, buttonLook } from "@/ui/Button";
import { Menu } from "@/ui/Menu";
import { Page } from "@/ui/Page";
import { PageHead } from "@/ui/Panel";
import { EmptyState } from "@/ui/States";
import type { Column } from "@/ui/Table";

export function Bases() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(bases);
  const { data: allTags } = useQuery(tags);
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<string[]>([]);
  const [making, setMaking] = useState(false);
  const [taking, setTaking] = useState(false);
  const [tagging, setTagging] = useState(false);
  const [changing, setChanging] = useState<BaseWithCounts | null>(null);
  const [losing, setLosing] = useState<BaseWithCounts | null>(null);
  useCrumbs({ label: t("nav.knowledge") });
  const make = useMemo(
    (): Action => ({
      id: "knowledge-new",
      label: t("knowledge.new"),
      group: t("nav.knowledge"),
      icon: Plus,
      shortcut: "c",
      run: () => setMaking(true),
    }),
    [t],
  );
  const may = useMay()("editor");
  useActions(useMemo(() => (may ? [make] : []), [may, make]));
  const button = may && (
    <>
      <Link to="/external-knowledge" className={buttonLook()}>
        <Globe size={15} aria-hidden />
        {t("external.title")}
      </Link>
      <Button icon={FileInput} onClick={() => setTaking(true)}>
        {t("pipeline.import")}
      </Button>
      <Button kind="primary" icon={make.icon} onClick={make.run}>
        {make.label}
      </Button>
    </>
  );
  const columns = useColumns({ onChange: setChanging, onLose: setLosing });
  const wanted = chosen.filter((id) => allTags?.some((tag) => tag.id === id));
  const shown =
    data?.filter(
      ({ base, tags: own }) =>
        matches(`${base.name} ${base.description} ${own.map(({ name }) => name).join(" ")}`, typed) &&
        wanted.every((id) => own.some((tag) => tag.id === id)),
    ) ?? [];
  return (
    <Page>
      <PageHead title={t("nav.knowledge")} hint={t("knowledge.text")} actions={button} />
      <Listing
        label={t("nav.knowledge")}
        filterLabel={t("knowledge.filter")}
        typed={typed}
        onType={setTyped}
        tools={
          allTags && allTags.length > 0 ? (
            <TagFilter tags={allTags} chosen={wanted} onChange={setChosen} onManage={may ? () => setTagging(true) : undefined} />
          ) : (
            may && (
              <Button kind="quiet" icon={TagIcon} onClick={() => setTagging(true)}>
                {t("tags.title")}
              </Button>
            )
          )
        }
        all={data}
        shown={shown}
        columns={columns}
        rowKey={({ base }) => base.id}
        empty={
          <EmptyState icon={BookOpen} title={t("knowledge.none")} text={may ? t("knowledge.noneText") : t("role.none")}>
            {button}
          </EmptyState>
        }
        error={error}
        onRetry={() => void refetch()}
      />
      <ImportPipeline open={taking} onClose={() => setTaking(false)} />
      <NewBase open={making} onClose={() => setMaking(false)} />
      <ManageTags open={tagging} onClose={() => setTagging(false)} />
      <ChangeBase one={changing} onClose={() => setChanging(null)} />
      <LoseBase one={losing} onClose={() => setLosing(null)} />
    </Page>
  );
}

interface Doing {
  onChange: (one: BaseWithCounts) => void;
  onLose: (one: BaseWithCounts) => void;
}

function useColumns({ onChange, onLose }: Doing): Column<BaseWithCounts>[] {
  const { t } = useTranslation();
  const format = useFormat();
  const may = useMay()("editor");
  return [
    { id: "name", title: t("common.name"), className: "w-full md:w-1/2", cell: (one) => <Name one={one} /> },
    {
      id: "documents",
      title: t("knowledge.documents"),
      cell: ({ base, documents }) => (base.external_api_id ? <span className="text-faint">–</span> : <StateCounts counts={documents} />),
    },
    {
      id: "model",
      title: t("knowledge.embedding"),
      wideOnly: true,
      cell: ({ base }) => <span className="text-muted">{base.embedding_model || "–"}</span>,
    },
    {
      id: "changed",
      title: t("common.changed"),
      wideOnly: true,
      cell: ({ base }) => <span className="whitespace-nowrap text-muted">{format.ago(base.updated_at)}</span>,
    },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      cell: (one) =>
        may && (
          <Menu
            trigger={<IconButton icon={EllipsisVertical} size="small" label={t("marks.more", { name: one.base.name })} />}
            groups={[
              { items: [{ id: "change", label: t("knowledge.change"), icon: Pencil, run: () => onChange(one) }] },
              { items: [{ id: "lose", label: t("common.delete"), icon: Trash2, danger: true, run: () => onLose(one) }] },
            ]}
          />
        ),
    },
  ];
}

/** A base's name with what is particular about it. */
function Name({ one: { base, tags: own } }: { one: BaseWithCounts }) {
  const { t } = useTranslation();
  return (
    <>
      <Link to="/knowledge/$base" params={{ base: base.id }} className="font-medium break-words hover:underline">
        {base.name}
      </Link>
      {base.description && <p className="line-clamp-2 text-sm text-muted">{base.description}</p>}
      {(base.groups.length > 0 || base.external_api_id || own.length > 0) && (
        <p className="mt-1 flex flex-wrap gap-1">
          {base.external_api_id && (
            <Badge tone="info" icon={Globe}>
              {t("external.badge")}
            </Badge>
          )}
          {base.groups.length > 0 && (
            <span title={base.groups.join(", ")} className="inline-flex min-w-0">
              <Badge tone="warn" icon={base.groups.length > NAMED ? Users : LockKeyhole}>
                {base.groups.length > NAMED ? t("access.onlyMany", { count: base.groups.length }) : t("access.only", { groups: base.groups.join(", ") })}
              </Badge>
            </span>
          )}
          {own.map((tag) => (
            <Badge key={tag.id} icon={TagIcon}>
              {tag.name}
            </Badge>
          ))}
        </p>
      )}
    </>
  );
}

const NAMED = 2;
