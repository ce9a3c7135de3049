import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { tags } from "@/api/tags";
import { Chips } from "@/ui/Chips";
import { Field } from "@/ui/Field";

interface TagsFieldProps {
  values: readonly string[];
  onChange: (names: string[]) => void;
}

/** Names of tags; new ones may be among them. */
export function TagsField({ values, onChange }: TagsFieldProps) {
  const { t } = useTranslation();
  const { data } = useQuery(tags);
  return (
    <Field label={t("tags.title")} hint={t("tags.howTo")}>
      {(ids) => (
        <Chips
          {...ids}
          values={values}
          known={(data ?? []).map(({ name }) => name)}
          onChange={onChange}
          maxLength={50}
          placeholder={t("tags.placeholder")}
          removeLabel={(name) => t("tags.remove", { name })}
          addLabel={(name) => t("tags.add", { name })}
          knownLabel={t("tags.known")}
        />
      )}
    </Field>
  );
}
