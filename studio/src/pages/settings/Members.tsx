import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { Ellipsis, KeyRound, UserMinus, UserPlus, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Account, type Role, api, body } from "@/api/client";
import { members, session } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupBadges } from "@/frame/GroupBadges";
import { useErrorText } from "@/frame/errorText";
import { useFormat } from "@/i18n/format";
import { type Grouped, GroupsOf } from "@/pages/settings/GroupsOf";
import { InviteMember } from "@/pages/settings/InviteMember";
import { PendingInvitations } from "@/pages/settings/PendingInvitations";
import { SettingsHead } from "@/pages/settings/SettingsHead";
import { ROLES, useRoleChoices } from "@/pages/settings/roles";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Menu } from "@/ui/Menu";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { Select } from "@/ui/Select";
import { SkeletonRows } from "@/ui/States";
import { type Column, Table } from "@/ui/Table";
import { toast } from "@/ui/Toasts";

const route = getRouteApi("/inside/administration/settings/members");

export function Members() {
  const { t } = useTranslation();
  const format = useFormat();
  const { invite } = route.useSearch();
  const go = route.useNavigate();
  const { data, error, refetch } = useQuery(members);
  const { data: me } = useQuery(session);
  const [resetting, setResetting] = useState<Account | null>(null);
  const [removing, setRemoving] = useState<Account | null>(null);
  const [grouping, setGrouping] = useState<Grouped | null>(null);
  const inviting = (open: boolean) => void go({ search: { invite: open || undefined }, replace: true });
  const mayTouch = (one: Account) => me !== undefined && (one.role !== "owner" || me.role === "owner");
  const columns: Column<Account>[] = [
    {
      id: "name",
      title: t("common.name"),
      className: "w-full",
      cell: (one) => (
        <>
          <p className="flex flex-wrap items-center gap-x-2 font-medium">
            {one.name}
            {one.id === me?.id && <Badge tone="accent">{t("members.you")}</Badge>}
          </p>
          <p className="text-sm break-all text-muted">{one.email}</p>
          <GroupBadges groups={one.groups} />
          <p className="text-sm text-muted md:hidden">{one.last_seen_at ? format.ago(one.last_seen_at) : t("members.never")}</p>
        </>
      ),
    },
    {
      id: "role",
      title: t("members.role"),
      cell: (one) =>
        mayTouch(one) && me ? <RoleOf account={one} by={me.role} /> : <Badge>{t(`members.${one.role}`)}</Badge>,
    },
    {
      id: "seen",
      title: t("members.seen"),
      wideOnly: true,
      cell: (one) => (
        <span className="whitespace-nowrap text-muted">
          {one.last_seen_at ? format.ago(one.last_seen_at) : t("members.never")}
        </span>
      ),
    },
    {
      id: "do",
      title: t("common.actions"),
      hideTitle: true,
      align: "right",
      cell: (one) => (
        <Menu
          trigger={<IconButton icon={Ellipsis} size="small" label={t("members.actions", { name: one.name })} />}
          groups={[
            { items: [{ id: "groups", label: t("groups.title"), icon: Users, run: () => setGrouping({ kind: "member", ...one }) }] },
            ...(mayTouch(one) && one.id !== me?.id
              ? [
                  { items: [{ id: "reset", label: t("members.reset"), icon: KeyRound, run: () => setResetting(one) }] },
                  {
                    items: [
                      { id: "remove", label: t("members.remove"), icon: UserMinus, danger: true, run: () => setRemoving(one) },
                    ],
                  },
                ]
              : []),
          ]}
        />
      ),
    },
  ];
  return (
    <Page>
      <SettingsHead tab="members" />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <div className="flex flex-col gap-4">
          <Panel
            title={t("settings.members")}
            flush
            actions={
              <Button kind="primary" icon={UserPlus} onClick={() => inviting(true)}>
                {t("members.invite")}
              </Button>
            }
          >
            {!data && <SkeletonRows rows={2} label={t("common.loading")} />}
            {data && <Table label={t("settings.members")} columns={columns} rows={data} rowKey={({ id }) => id} />}
          </Panel>
          <PendingInvitations />
          <Panel title={t("members.roles")}>
            <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-[auto_1fr]">
              {ROLES.map((role) => (
                <div key={role} className="contents">
                  <dt className="font-medium">{t(`members.${role}`)}</dt>
                  <dd className="text-muted">{t(`members.roleText.${role}`)}</dd>
                </div>
              ))}
            </dl>
          </Panel>
        </div>
      )}
      <Dialog
        open={invite === true}
        onClose={() => inviting(false)}
        title={t("members.invite")}
        hint={t("members.inviteText")}
        closeLabel={t("common.close")}
      >
        {me && <InviteMember by={me.role} onClose={() => inviting(false)} />}
      </Dialog>
      <GroupsOf of={grouping} onClose={() => setGrouping(null)} />
      <ResetPassword account={resetting} onClose={() => setResetting(null)} />
      <Remove account={removing} onClose={() => setRemoving(null)} />
    </Page>
  );
}

/** The role, which changes at once; the server keeps the last owner. */
function RoleOf({ account, by }: { account: Account; by: Role }) {
  const { t } = useTranslation();
  const text = useErrorText();
  const client = useQueryClient();
  const choices = useRoleChoices(by);
  const change = useMutation({
    mutationFn: (role: Role) => body(api.PATCH("/members/{member}", { params: { path: { member: account.id } }, body: { role } })),
    onSuccess: async (changed) => {
      toast(t("members.roleChanged", { name: changed.name, role: t(`members.${changed.role}`) }));
      await client.invalidateQueries({ queryKey: members.queryKey });
      await client.invalidateQueries({ queryKey: session.queryKey });
    },
    onError: (error) => toast(text(error).message, { text: text(error).hint, bad: true }),
  });
  return (
    <Select
      label={t("members.roleOf", { name: account.name })}
      value={change.isPending ? change.variables : account.role}
      choices={choices}
      onChange={(role) => role !== account.role && change.mutate(role)}
      className="min-w-28"
    />
  );
}

function ResetPassword({ account, onClose }: { account: Account | null; onClose: () => void }) {
  const { t } = useTranslation();
  const reset = useMutation({
    mutationFn: (member: string) => body(api.POST("/members/{member}/password", { params: { path: { member } } })),
  });
  const close = () => {
    reset.reset();
    onClose();
  };
  if (reset.data) {
    return (
      <Dialog open onClose={close} title={t("members.resetDone", { name: account?.name ?? "" })} closeLabel={t("common.close")}>
        <p className="mb-3 rounded-md bg-warn-soft px-3 py-2 text-warn">{t("members.resetOnce")}</p>
        <div className="flex items-center gap-2 rounded-md border border-line bg-sunken py-1.5 pr-1.5 pl-3">
          <code className="grow font-mono text-sm break-all">{reset.data.password}</code>
          <Copy text={reset.data.password} label={t("members.copyPassword")} doneLabel={t("common.copied")} />
        </div>
        <DialogActions>
          <Button kind="primary" onClick={close}>
            {t("keys.kept")}
          </Button>
        </DialogActions>
      </Dialog>
    );
  }
  return (
    <ConfirmChange
      open={account !== null}
      onClose={close}
      onConfirm={() => account && reset.mutate(account.id)}
      change={reset}
      title={t("members.resetAsk", { name: account?.name ?? "" })}
      text={t("members.resetText")}
      confirmLabel={t("members.reset")}
    />
  );
}

function Remove({ account, onClose }: { account: Account | null; onClose: () => void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: (member: string) => api.DELETE("/members/{member}", { params: { path: { member } } }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: members.queryKey });
      toast(t("members.removed", { name: account?.name ?? "" }));
      onClose();
    },
  });
  return (
    <ConfirmChange
      open={account !== null}
      onClose={onClose}
      onConfirm={() => account && remove.mutate(account.id)}
      change={remove}
      title={t("members.removeAsk", { name: account?.name ?? "" })}
      text={t("members.removeText")}
      confirmLabel={t("members.remove")}
    />
  );
}
