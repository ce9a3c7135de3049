import { useTranslation } from "react-i18next";

import type { Citation } from "@/api/ask";
import { PassageText } from "@/pages/knowledge/PassageText";
import { SidePanel } from "@/ui/Dialog";

/** The passage behind a citation, the quoted words lit. Strangers get no way to the document. */
export function Passage({ citation, onClose }: { citation: Citation | null; onClose: () => void }) {
  const { t } = useTranslation();
  const where = citation && [
    ...(citation.page === null ? [] : [t("chat.page", { page: citation.page })]),
    ...citation.heading_path,
  ];
  return (
    <SidePanel
      open={citation !== null}
      onClose={onClose}
      closeLabel={t("common.close")}
      title={citation ? `${citation.position} · ${citation.document}` : ""}
      hint={where?.join(" › ")}
    >
      {citation && <PassageText text={citation.text} lit={citation.quote} />}
    </SidePanel>
  );
}
