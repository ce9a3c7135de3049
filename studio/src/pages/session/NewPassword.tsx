import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Password, Rules } from "@/pages/session/Password";
import { Shell } from "@/pages/session/Shell";
import { hand, handed } from "@/pages/session/handed";
import { keepsRules } from "@/pages/session/rules";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

/** The printed password is for the first minute only: nothing else opens before it is changed. */
export function NewPassword() {
  const { t } = useTranslation();
  const router = useRouter();
  const client = useQueryClient();
  const { data: account } = useQuery(session);
  const [old, setOld] = useState(handed);
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [tried, setTried] = useState(false);
  const email = account?.email ?? "";
  const forced = account?.must_change_password ?? true;
  const change = useMutation({
    mutationFn: () => body(api.POST("/session/password", { body: { old, new: first } })),
    onSuccess: (changed) => {
      hand("");
      client.setQueryData(session.queryKey, changed);
      if (!forced) toast(t("session.changed"));
      void router.navigate({ to: "/" });
    },
  });
  useEffect(() => {
    document.title = `${t("session.change")} · LLMFlow`;
  }, [t]);
  const weak = tried && !keepsRules(first, email) ? t("session.weak") : undefined;
  const differ = tried && first !== second ? t("session.differ") : undefined;
  return (
    <Shell title={t("session.newTitle")} hint={forced ? t("session.newText") : t("session.changeText")}>
      <form
        className="flex flex-col gap-4"
        onInvalidCapture={() => setTried(true)}
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (keepsRules(first, email) && first === second) change.mutate();
        }}
      >
        {change.error && <ErrorPanel error={change.error} />}
        <input type="email" name="email" autoComplete="username" value={email} readOnly hidden />
        <Password
          label={t("session.old")}
          value={old}
          onChange={setOld}
          autoComplete="current-password"
          autoFocus={old === ""}
        />
        <Password
          label={t("session.new")}
          value={first}
          onChange={setFirst}
          autoComplete="new-password"
          autoFocus={old !== ""}
          error={weak}
        />
        <Rules password={first} email={email} />
        <Password
          label={t("session.again")}
          value={second}
          onChange={setSecond}
          autoComplete="new-password"
          error={differ}
        />
        <Button type="submit" kind="primary" busy={change.isPending} className="mt-1 w-full">
          {t("session.change")}
        </Button>
        {!forced && (
          <Button kind="quiet" onClick={() => router.history.back()}>
            {t("common.cancel")}
          </Button>
        )}
      </form>
    </Shell>
  );
}
