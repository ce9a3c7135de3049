import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link2, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import { type Invitation, api, body } from "@/api/client";
import { invitations } from "@/api/queries";
import { useErrorText } from "@/frame/errorText";
import { useFormat } from "@/i18n/format";
import { MadeLink } from "@/pages/settings/InviteMember";
import { Badge } from "@/ui/Badge";
import { Button, IconButton } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/Toasts";

/** Invitations nobody accepted yet; a link cannot be shown again, so a new one is made. */
export function PendingInvitations() {
  const { t } = useTranslation();
  const { data } = useQuery(invitations);
  if (!data || data.length === 0) return null;
  return (
    <Panel title={t("members.pending")} hint={t("members.pendingText")} flush>
      <ul>
        {data.map((one) => (
          <Pending key={one.id} invitation={one} />
        ))}
      </ul>
    </Panel>
  );
}

function Pending({ invitation }: { invitation: Invitation }) {
  const { t } = useTranslation();
  const format = useFormat();
  const text = useErrorText();
  const client = useQueryClient();
  const again = () => client.invalidateQueries({ queryKey: invitations.queryKey });
  const failed = (error: unknown) => toast(text(error).message, { text: text(error).hint, bad: true });
  const renew = useMutation({
    mutationFn: () => body(api.POST("/invitations", { body: { email: invitation.email, role: invitation.role } })),
    onError: failed,
  });
  const withdraw = useMutation({
    mutationFn: () =>
      api.DELETE("/invitations/{invitation_id}", { params: { path: { invitation_id: invitation.id } } }),
    onSuccess: () => {
      toast(t("members.withdrawn", { email: invitation.email }));
      void again();
    },
    onError: failed,
  });
  const expired = invitation.expires_at <= Date.now();
  const close = () => {
    renew.reset();
    void again();
  };
  return (
    <li className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-3 last:border-b-0">
      <div className="min-w-0 grow basis-48">
        <p className="font-medium break-all">{invitation.email}</p>
        <p className="flex flex-wrap items-center gap-x-2 text-sm text-muted">
          <Badge>{t(`members.${invitation.role}`)}</Badge>
          {expired ? (
            <Badge tone="warn">{t("members.expired")}</Badge>
          ) : (
            t("members.until", { when: format.date(invitation.expires_at) })
          )}
        </p>
        {expired && <p className="mt-0.5 text-sm text-muted">{t("members.expiredText")}</p>}
      </div>
      <Button size="small" icon={Link2} busy={renew.isPending} onClick={() => renew.mutate()}>
        {t("members.newLink")}
      </Button>
      <IconButton
        icon={X}
        size="small"
        label={t("members.withdraw", { email: invitation.email })}
        onClick={() => withdraw.mutate()}
        disabled={withdraw.isPending}
      />
      <Dialog open={renew.data !== undefined} onClose={close} title={t("members.newLink")} closeLabel={t("common.close")}>
        {renew.data && (
          <MadeLink
            url={renew.data.url}
            email={renew.data.invitation.email}
            until={renew.data.invitation.expires_at}
            onClose={close}
          />
        )}
      </Dialog>
    </li>
  );
}
