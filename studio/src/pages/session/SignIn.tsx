import { useMutation, useQueryClient } from "@tanstack/react-query";
import { getRouteApi, useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Shell } from "@/pages/session/Shell";
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
    onSuccess: (account) => {
      client.setQueryData(session.queryKey, account);
      if (account.must_change_password) void router.navigate({ to: "/password" });
      else router.history.push(next ?? "/");
    },
  });
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
              autoComplete="username"
              autoFocus
              required
              value={email}
              onChange={(event) => setEmail(event.target.value)}
            />
          )}
        </Field>
        <Field label={t("session.password")}>
          {(ids) => (
            <Input
              {...ids}
              type="password"
              autoComplete="current-password"
              required
              value={password}
              onChange={(event) => setPassword(event.target.value)}
            />
          )}
        </Field>
        <Button type="submit" kind="primary" busy={signIn.isPending} className="mt-1 w-full">
          {t("session.signIn")}
        </Button>
      </form>
    </Shell>
  );
}
