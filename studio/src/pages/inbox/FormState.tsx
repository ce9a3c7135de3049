import { CircleCheck, Clock, Hourglass } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { FormRow } from "@/api/client";
import { Badge } from "@/ui/Badge";

/** What became of a form: the button that was pressed, or that its time is over. */
export function FormState({ form }: { form: Pick<FormRow, "state" | "action"> }) {
  const { t } = useTranslation();
  if (form.state === "submitted") {
    return (
      <Badge tone="good" icon={CircleCheck}>
        {form.action || t("inbox.submitted")}
      </Badge>
    );
  }
  return form.state === "waiting" ? (
    <Badge tone="accent" icon={Hourglass}>
      {t("inbox.waiting")}
    </Badge>
  ) : (
    <Badge tone="warn" icon={Clock}>
      {t("inbox.expired")}
    </Badge>
  );
}
