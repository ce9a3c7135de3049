import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import { session } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Shell } from "@/pages/session/Shell";
import { Button } from "@/ui/Button";
import { Field, Input } from "@/ui/Field";

const LEAST = 10;

/** The printed password is for the first minute only: nothing else opens before it is changed. */
export function NewPassword() {
  const { t } = useTranslation();
  const router = useRouter();
  const client = useQueryClient();
  const [old, setOld] = useState("");
  const [first, setFirst] = useState("");
  const [second, setSecond] = useState("");
  const [tried, setTried] = useState(false);
  const change = useMutation({
    mutationFn: () => body(api.POST("/session/password", { body: { old, new: first } })),
    onSuccess: (account) => {
      client.setQueryData(session.queryKey, account);
      void router.navigate({ to: "/" });
    },
  });
  const short = tried && first.length < LEAST ? t("session.tooShort", { least: LEAST }) : undefined;
  const differ = tried && first !== second ? t("session.differ") : undefined;
  return (
    <Shell title={t("session.newTitle")} hint={t("session.newText")}>
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (first.length >= LEAST && first === second) change.mutate();
        }}
      >
        {change.error && <ErrorPanel error={change.error} />}
        <Secret label={t("session.old")} value={old} onChange={setOld} autoComplete="current-password" autoFocus />
        <Secret
          label={t("session.new")}
          value={first}
          onChange={setFirst}
          autoComplete="new-password"
          hint={t("session.least", { least: LEAST })}
          error={short}
        />
        <Secret label={t("session.again")} value={second} onChange={setSecond} autoComplete="new-password" error={differ} />
        <Button type="submit" kind="primary" busy={change.isPending} className="mt-1 w-full">
          {t("session.change")}
        </Button>
      </form>
    </Shell>
  );
}

interface SecretProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoComplete: "current-password" | "new-password";
  autoFocus?: boolean;
  hint?: string;
  error?: string | undefined;
}

function Secret({ label, value, onChange, hint, error, ...rest }: SecretProps) {
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <Input {...ids} {...rest} type="password" required value={value} onChange={(event) => onChange(event.target.value)} />
      )}
    </Field>
  );
}
