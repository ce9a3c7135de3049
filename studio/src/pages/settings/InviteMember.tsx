import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type Role, api, body } from "@/api/client";
import { invitations } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useFormat } from "@/i18n/format";
import { useRoleChoices } from "@/pages/settings/roles";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { DialogActions } from "@/ui/Dialog";
import { Field, Input } from "@/ui/Field";
import { Select } from "@/ui/Select";

interface InviteMemberProps {
  by: Role;
  onClose: () => void;
}

/** Makes an invitation; its link is shown this once, to be handed over. */
export function InviteMember({ by, onClose }: InviteMemberProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const choices = useRoleChoices(by);
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const invite = useMutation({
    mutationFn: () => body(api.POST("/invitations", { body: { email: email.trim(), role } })),
    onSuccess: () => client.invalidateQueries({ queryKey: invitations.queryKey }),
  });
  if (invite.data) {
    return <MadeLink url={invite.data.url} email={invite.data.invitation.email} until={invite.data.invitation.expires_at} onClose={onClose} />;
  }
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        invite.mutate();
      }}
    >
      {invite.error && <ErrorPanel error={invite.error} />}
      <Field label={t("session.email")}>
        {(ids) => (
          <Input
            {...ids}
            type="email"
            autoComplete="off"
            autoFocus
            required
            maxLength={320}
            value={email}
            onChange={(event) => setEmail(event.target.value)}
          />
        )}
      </Field>
      <Field label={t("members.role")} hint={t(`members.roleText.${role}`)}>
        {({ id }) => <Select id={id} label={t("members.role")} value={role} choices={choices} onChange={setRole} />}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={invite.isPending}>
          {t("members.makeLink")}
        </Button>
      </DialogActions>
    </form>
  );
}

/** `url`: the link, or its path where the server does not know under which address people reach it. */
export function MadeLink({ url, email, until, onClose }: { url: string; email: string; until: number; onClose: () => void }) {
  const { t } = useTranslation();
  const format = useFormat();
  const link = url.startsWith("/") ? window.location.origin + url : url;
  return (
    <>
      <p className="mb-3">{t("members.linkText", { email })}</p>
      <div className="flex items-center gap-2 rounded-md border border-line bg-sunken py-1.5 pr-1.5 pl-3">
        <code className="grow font-mono text-sm break-all">{link}</code>
        <Copy text={link} label={t("members.copyLink")} doneLabel={t("common.copied")} />
      </div>
      <p className="mt-3 text-sm text-muted">{t("members.linkUntil", { when: format.date(until) })}</p>
      <DialogActions>
        <Button kind="primary" onClick={onClose}>
          {t("common.done")}
        </Button>
      </DialogActions>
    </>
  );
}
