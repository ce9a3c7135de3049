import { useTranslation } from "react-i18next";

import { Field, Input } from "@/ui/Field";
import { Secret } from "@/ui/Secret";

export interface Address {
  readonly name: string;
  readonly url: string;
  readonly key: string;
}

interface AddressFieldsProps {
  value: Address;
  onChange: (value: Address) => void;
  keyHint: string;
}

/** Name, address and key of a server of knowledge. */
export function AddressFields({ value, onChange, keyHint }: AddressFieldsProps) {
  const { t } = useTranslation();
  return (
    <>
      <Field label={t("external.address")} hint={t("external.addressText")}>
        {(ids) => (
          <Input
            {...ids}
            type="url"
            inputMode="url"
            required
            spellCheck={false}
            maxLength={2000}
            placeholder="https://knowledge.example.com"
            value={value.url}
            onChange={(event) => onChange({ ...value, url: event.target.value })}
            className="font-mono"
          />
        )}
      </Field>
      <Field label={t("external.key")} hint={keyHint}>
        {(ids) => (
          <Secret
            {...ids}
            autoComplete="off"
            maxLength={4000}
            value={value.key}
            onChange={(event) => onChange({ ...value, key: event.target.value })}
            showLabel={t("session.show")}
            hideLabel={t("session.hide")}
            capsLabel={t("session.caps")}
          />
        )}
      </Field>
      <Field label={t("external.serverName")}>
        {(ids) => (
          <Input
            {...ids}
            required
            maxLength={100}
            placeholder={t("external.serverNameText")}
            value={value.name}
            onChange={(event) => onChange({ ...value, name: event.target.value })}
          />
        )}
      </Field>
    </>
  );
}
