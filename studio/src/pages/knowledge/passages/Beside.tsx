import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Segments } from "@/ui/Segments";
import { cx } from "@/ui/classes";

export type Side = "document" | "passages";

interface BesideProps {
  /** Which of both is seen where there is room for one. */
  side: Side;
  onSide: (side: Side) => void;
  document: ReactNode;
  passages: ReactNode;
}

/** A document and its passages beside each other, each scrolling by itself; on a phone one of both. */
export function Beside({ side, onSide, document, passages }: BesideProps) {
  const { t } = useTranslation();
  const choices = (["document", "passages"] as const).map((value) => ({ value, label: t(`passages.side.${value}`) }));
  const shown = (of: Side) => cx("min-w-0", of !== side && "max-lg:hidden");
  return (
    <>
      <div className="mb-3 lg:hidden">
        <Segments label={t("passages.sides")} value={side} choices={choices} onChange={onSide} />
      </div>
      <div className="flex flex-col gap-4 lg:flex-row lg:items-start">
        <div className={cx(shown("document"), "lg:sticky lg:top-4 lg:w-3/5")}>{document}</div>
        <div className={cx(shown("passages"), "lg:sticky lg:top-4 lg:w-2/5")}>{passages}</div>
      </div>
    </>
  );
}
