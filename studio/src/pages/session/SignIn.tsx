import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { followAccount } from "@/frame/preferences";
import { Password } from "@/pages/session/Password";
import { Shell } from "@/pages/session/Shell";
import { hand } from "@/pages/session/handed";
import { useWait } from "@/pages/session/wait";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/Field";

const route = getRouteApi("/sign-in");

export function SignIn() {
  const { t } = useTranslation();
  const { next } = route.useSearch();
  const router = useRouter();
  const client = useQueryClient();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const signIn = useMutation({
    mutationFn: () => body(api.POST("/session", { body: { email: email.trim(), password } })),
    onSuccess: async (account) => {
      client.setQueryData(session.queryKey, account);
      await followAccount();
      if (account.must_change_password) {
        hand(password);
        void router.navigate({ to: "/password" });
      } else router.history.push(next ?? "/");
    },
  });
  const wait = useWait(signIn.error);
  useEffect(() => {
    document.title = `${t("session.signIn")} · LLMFlow`;
  }, [t]);
  return (
    <Shell title={t("session.welcome")} hint={t("session.welcomeText")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          signIn.mutate();
        }}
      >
        {signIn.error && <ErrorPanel error={signIn.error} />}
        <Field label={t("session.email")}>
          {(ids) => (
            <Input
              {...ids}
              type="email"
              name="email"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus
              required
              maxLength={320}
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Password
          label={t("session.password")}
          name="password"
          autoComplete="current-password"
          value={password}
          onChange={setPassword}
        />
        <Button type="submit" kind="primary" busy={signIn.isPending} disabled={wait > 0} className="mt-1 w-full">
          {wait > 0 ? t("session.wait", { count: wait }) : t("session.signIn")}
        </Button>
        <p className="text-sm text-muted">{t("session.lost")}</p>
      </form>
    </Shell>
  );
}
