import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { groups } from "@/api/access";
import { Chips } from "@/ui/Chips";
import { Field } from "@/ui/Field";

interface GroupsFieldProps {
  label: string;
  hint: string;
  values: readonly string[];
  onChange: (values: string[]) => void;
}

/** Names of groups; those that members and keys are in are offered. */
export function GroupsField({ label, hint, values, onChange }: GroupsFieldProps) {
  const { t } = useTranslation();
  const { data } = useQuery(groups);
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <Chips
          {...ids}
          values={values}
          known={data ?? []}
          onChange={onChange}
          placeholder={t("groups.placeholder")}
          removeLabel={(name) => t("groups.remove", { name })}
          addLabel={(name) => t("groups.add", { name })}
          knownLabel={t("groups.known")}
        />
      )}
    </Field>
  );
}
