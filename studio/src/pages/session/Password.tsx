import { Circle, CircleCheck } from "lucide-react";
import type { ComponentProps } from "react";
import { useTranslation } from "react-i18next";

import { RULES, type Rule } from "@/pages/session/rules";
import { Field } from "@/ui/Field";
import { Secret } from "@/ui/Secret";
import { cx } from "@/ui/classes";

interface PasswordProps extends Omit<ComponentProps<"input">, "onChange" | "value"> {
  label: string;
  value: string;
  onChange: (value: string) => void;
  autoComplete: "current-password" | "new-password";
  hint?: string;
  error?: string | undefined;
}

/** A password to be typed. */
export function Password({ label, value, onChange, hint, error, ...rest }: PasswordProps) {
  const { t } = useTranslation();
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <Secret
          {...ids}
          {...rest}
          required
          maxLength={1000}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          showLabel={t("session.show")}
          hideLabel={t("session.hide")}
          capsLabel={t("session.caps")}
        />
      )}
    </Field>
  );
}

/** What a new password must be, each ticked as it is typed; the server holds the same rules. */
export function Rules({ password, email }: { password: string; email: string }) {
  const { t } = useTranslation();
  return (
    <ul aria-label={t("session.rules")} className="-mt-2 flex flex-col gap-1 text-sm">
      {(Object.keys(RULES) as Rule[]).map((rule) => {
        const kept = password !== "" && RULES[rule](password, email);
        const Icon = kept ? CircleCheck : Circle;
        return (
          <li key={rule} className={cx("flex items-center gap-1.5", kept ? "text-good" : "text-muted")}>
            <Icon size={14} className="shrink-0" aria-label={kept ? t("session.kept") : t("session.notKept")} />
            {t(`session.rule.${rule}`)}
          </li>
        );
      })}
    </ul>
  );
}
