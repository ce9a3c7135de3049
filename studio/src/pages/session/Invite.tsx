import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, getRouteApi, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { invitationOf, session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { followAccount } from "@/frame/preferences";
import { forgetThreads } from "@/pages/chat/threads";
import { Password, Rules } from "@/pages/session/Password";
import { Shell } from "@/pages/session/Shell";
import { keepsRules } from "@/pages/session/rules";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/Field";
import { SkeletonRows } from "@/ui/States";

const route = getRouteApi("/invite/$token");

/** The page an invitation's link opens: a colleague gives a name and a password, and is in. */
export function Invite() {
  const { t } = useTranslation();
  const { token } = route.useParams();
  const { data: invitation, error } = useQuery(invitationOf(token));
  useEffect(() => {
    document.title = `${t("invite.title")} · LLMFlow`;
  }, [t]);
  if (error) {
    return (
      <Shell title={t("invite.closed")}>
        <div className="mt-5 flex flex-col gap-4">
          <ErrorPanel error={error} />
          <Link to="/sign-in" className="font-medium text-accent-ink underline underline-offset-2">
            {t("invite.toSignIn")}
          </Link>
        </div>
      </Shell>
    );
  }
  return (
    <Shell
      title={t("invite.title")}
      hint={invitation && t("invite.text", { role: t(`members.${invitation.role}`) })}
    >
      {invitation ? <Accept token={token} email={invitation.email} /> : <SkeletonRows rows={4} label={t("common.loading")} />}
    </Shell>
  );
}

function Accept({ token, email }: { token: string; email: string }) {
  const { t } = useTranslation();
  const router = useRouter();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [tried, setTried] = useState(false);
  const accept = useMutation({
    mutationFn: () => body(api.POST("/invitations/accept", { body: { token, name: name.trim(), password } })),
    onSuccess: async (account) => {
      client.clear(); // somebody else may have been signed in here
      forgetThreads();
      client.setQueryData(session.queryKey, account);
      await followAccount();
      void router.navigate({ to: "/" });
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onInvalidCapture={() => setTried(true)}
      onSubmit={(event) => {
        event.preventDefault();
        setTried(true);
        if (keepsRules(password, email)) accept.mutate();
      }}
    >
      {accept.error && <ErrorPanel error={accept.error} />}
      <Field label={t("session.email")}>
        {(ids) => <Input {...ids} type="email" name="email" autoComplete="username" value={email} readOnly className="bg-sunken" />}
      </Field>
      <Field label={t("invite.name")} hint={t("invite.nameText")}>
        {(ids) => (
          <Input
            {...ids}
            name="name"
            autoComplete="name"
            autoFocus
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
          />
        )}
      </Field>
      <Password
        label={t("session.password")}
        name="password"
        autoComplete="new-password"
        value={password}
        onChange={setPassword}
        error={tried && !keepsRules(password, email) ? t("session.weak") : undefined}
      />
      <Rules password={password} email={email} />
      <Button type="submit" kind="primary" busy={accept.isPending} className="mt-1 w-full">
        {t("invite.accept")}
      </Button>
    </form>
  );
}
