import { type ReactNode, useMemo } from "react";
import { useTranslation } from "react-i18next";

import { type FieldWords, FieldWordsContext } from "@/ui/Field";

/** Fields within say in the reader's language what is wrong with them. */
export function SpokenFields({ children }: { children: ReactNode }) {
  const { t } = useTranslation();
  const words = useMemo(
    (): FieldWords => ({
      required: t("form.required"),
      email: t("form.email"),
      url: t("form.url"),
      short: (count) => t("form.short", { count }),
      range: (least, most) => t("form.range", { least, most }),
      least: (least) => t("form.least", { least }),
      whole: t("form.whole"),
      other: t("form.other"),
    }),
    [t],
  );
  return <FieldWordsContext value={words}>{children}</FieldWordsContext>;
}
