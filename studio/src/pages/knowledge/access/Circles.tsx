import { Link } from "@tanstack/react-router";
import { KeyRound, Users } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { BaseAccess, Circle } from "@/api/access";
import { useMay } from "@/frame/role";
import { useFormat } from "@/i18n/format";
import { Badge } from "@/ui/Badge";
import { Panel } from "@/ui/Panel";
import { EmptyState } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";

const NAMED = 6;

/** Every group there is: what of this base is open to it, and who is in it. */
export function Circles({ access }: { access: BaseAccess }) {
  const { t } = useTranslation();
  const may = useMay()("admin");
  const isOpen = access.groups.length === 0;
  const columns: Column<Circle>[] = [
    {
      id: "name",
      title: t("access.group"),
      className: "w-full md:w-1/4",
      cell: (one) => (
        <>
          <p className="font-medium break-words">{one.name}</p>
          <div className="mt-1.5 flex flex-col gap-1 text-sm md:hidden">
            <People icon={Users} all={one.members} count={one.member_count} none={t("access.noMembers")} />
            <People icon={KeyRound} all={one.keys} count={one.key_count} none={t("access.noKeys")} />
          </div>
        </>
      ),
    },
    {
      id: "opens",
      title: t("access.opens"),
      cell: (one) => (
        <span className="flex flex-wrap gap-1">
          {isOpen && <Badge>{t("access.opensAll")}</Badge>}
          {one.of_base && <Badge tone="good">{t("access.opensBase")}</Badge>}
          {one.documents > 0 && <Badge tone="good">{t("access.documents", { count: one.documents })}</Badge>}
          {!isOpen && !one.of_base && one.documents === 0 && <span className="text-faint">{t("access.opensNothing")}</span>}
        </span>
      ),
    },
    {
      id: "members",
      title: t("access.members"),
      wideOnly: true,
      className: "w-1/3",
      cell: (one) => <People icon={Users} all={one.members} count={one.member_count} none={t("access.noMembers")} />,
    },
    {
      id: "keys",
      title: t("access.keys"),
      wideOnly: true,
      className: "w-1/4",
      cell: (one) => <People icon={KeyRound} all={one.keys} count={one.key_count} none={t("access.noKeys")} />,
    },
  ];
  return (
    <Panel
      title={t("access.circles")}
      hint={t("access.always")}
      flush
      actions={
        may && (
          <p className="flex flex-wrap gap-x-4 gap-y-1 text-sm">
            <Link to="/settings/members" className="text-accent-ink hover:underline">
              {t("access.toMembers")}
            </Link>
            <Link to="/settings/keys" className="text-accent-ink hover:underline">
              {t("access.toKeys")}
            </Link>
          </p>
        )
      }
    >
      <Table
        label={t("access.group")}
        columns={columns}
        rows={access.circles}
        rowKey={({ name }) => name}
        empty={<EmptyState icon={Users} title={t("access.none")} text={may ? t("access.noneText") : t("access.noneEditor")} />}
      />
    </Panel>
  );
}

interface PeopleProps {
  icon: typeof Users;
  all: Circle["members"];
  count: number;
  none: string;
}

/** Names, where they are told; else how many. */
function People({ icon: Icon, all, count, none }: PeopleProps) {
  const { t } = useTranslation();
  const format = useFormat();
  if (count === 0) return <p className="flex items-center gap-1.5 text-faint">{none}</p>;
  return (
    <p className="flex items-start gap-1.5">
      <Icon size={14} aria-hidden className="mt-1 shrink-0 text-muted" />
      <span className="min-w-0 break-words">
        {all.length === 0 && format.number(count)}
        {all.slice(0, NAMED).map((one, index) => (
          <span key={one.id} title={one.about}>
            {index > 0 && ", "}
            {one.name || `${one.about}…`}
          </span>
        ))}
        {all.length > NAMED && <span className="text-muted"> {t("access.andMore", { count: all.length - NAMED })}</span>}
      </span>
    </p>
  );
}
