import { useQuery } from "@tanstack/react-query";
import { ChevronRight } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

import type { Document, Passage } from "@/api/client";
import { partsOf } from "@/api/documents";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { SkeletonRows } from "@/ui/States";

interface PartsProps {
  document: Document;
  parent: Passage;
  /** Whether they are seen without being asked for. */
  isOpen: boolean;
  part: (part: Passage) => ReactNode;
  /** A further one that is being written. */
  children?: ReactNode;
}

/** What is searched in a passage's stead: its parts, nested in it. */
export function Parts({ document, parent, isOpen, part, children }: PartsProps) {
  const { t } = useTranslation();
  const [turned, setTurned] = useState<boolean | null>(null);
  const open = (turned ?? isOpen) || children !== undefined;
  const { data, error, refetch } = useQuery({ ...partsOf(document.id, parent.id), enabled: open });
  return (
    <details
      open={open}
      onToggle={(event) => event.currentTarget.open !== open && setTurned(event.currentTarget.open)}
      className="group mt-3 border-t border-line pt-2"
    >
      <summary className="flex cursor-pointer list-none items-center gap-1.5 text-sm font-medium text-muted hover:text-ink">
        <ChevronRight size={14} className="shrink-0 transition-transform group-open:rotate-90" aria-hidden />
        {data ? t("passages.parts", { count: data.total }) : t("passages.partsOf")}
      </summary>
      {open && (
        <>
          {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
          {!data && !error && <SkeletonRows rows={2} label={t("common.loading")} />}
          <ol aria-label={t("passages.partsOf")} className="mt-2 flex flex-col gap-2">
            {data?.passages.map(part)}
          </ol>
          {children}
        </>
      )}
    </details>
  );
}
