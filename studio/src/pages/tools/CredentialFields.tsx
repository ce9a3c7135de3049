import { useTranslation } from "react-i18next";

import { type Credential, KINDS, PLACES } from "@/pages/tools/credential";
import { Field, Input } from "@/ui/Field";
import { Secret } from "@/ui/Secret";
import { Select } from "@/ui/Select";

interface CredentialFieldsProps {
  value: Credential;
  onChange: (value: Credential) => void;
  /** A secret of this kind is kept: an empty field leaves it as it is. */
  keeps: boolean;
}

/** How the server is shown who asks. */
export function CredentialFields({ value, onChange, keeps }: CredentialFieldsProps) {
  const { t } = useTranslation();
  const { kind } = value;
  return (
    <div className="grid gap-4 sm:grid-cols-2">
      <Field label={t("tools.credential")}>
        {(ids) => (
          <Select
            id={ids.id}
            label={t("tools.credential")}
            value={kind}
            choices={KINDS.map((one) => ({ value: one, label: t(`tools.kind.${one}`) }))}
            onChange={(next) => onChange({ ...value, kind: next })}
          />
        )}
      </Field>
      {kind === "api_key" && (
        <>
          <Field label={t("tools.where")}>
            {(ids) => (
              <Select
                id={ids.id}
                label={t("tools.where")}
                value={value.where}
                choices={PLACES.map((one) => ({ value: one, label: t(`tools.place.${one}`) }))}
                onChange={(where) => onChange({ ...value, where })}
              />
            )}
          </Field>
          <Field label={t("tools.keyName")}>
            {(ids) => (
              <Input
                {...ids}
                required
                maxLength={200}
                spellCheck={false}
                placeholder="X-API-Key"
                value={value.name}
                onChange={(event) => onChange({ ...value, name: event.target.value })}
                className="font-mono"
              />
            )}
          </Field>
        </>
      )}
      {kind === "basic" && (
        <Field label={t("tools.user")}>
          {(ids) => (
            <Input
              {...ids}
              autoComplete="off"
              maxLength={500}
              value={value.user}
              onChange={(event) => onChange({ ...value, user: event.target.value })}
            />
          )}
        </Field>
      )}
      {kind !== "none" && (
        <Field label={t(`tools.secret.${kind}`)} hint={keeps ? t("tools.secretKept") : t("tools.secretText")}>
          {(ids) => (
            <Secret
              {...ids}
              autoComplete="off"
              maxLength={8000}
              value={value.secret}
              onChange={(event) => onChange({ ...value, secret: event.target.value })}
              showLabel={t("session.show")}
              hideLabel={t("session.hide")}
              capsLabel={t("session.caps")}
            />
          )}
        </Field>
      )}
    </div>
  );
}
