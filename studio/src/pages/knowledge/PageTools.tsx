import { ChevronLeft, ChevronRight, ZoomIn, ZoomOut } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { IconButton } from "@/ui/Button";

const STEPS = [0.5, 0.75, 1, 1.5, 2, 3] as const;

interface PageToolsProps {
  page: number;
  pages: number;
  onPage: (page: number) => void;
  zoom: number;
  onZoom: (zoom: number) => void;
}

/** Turns the pages of a document, goes to one by its number, and draws it nearer. */
export function PageTools({ page, pages, onPage, zoom, onZoom }: PageToolsProps) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState(String(page));
  useEffect(() => setTyped(String(page)), [page]);
  const go = () => {
    const wanted = Number(typed);
    if (Number.isInteger(wanted) && wanted >= 1 && wanted <= pages) onPage(wanted);
    else setTyped(String(page));
  };
  const at = STEPS.findIndex((step) => step >= zoom);
  return (
    <div role="toolbar" aria-label={t("document.pageTools")} className="flex items-center gap-1">
      <IconButton
        icon={ChevronLeft}
        size="small"
        label={t("document.before")}
        disabled={page <= 1}
        onClick={() => onPage(page - 1)}
      />
      <form
        className="flex items-center gap-1.5 text-sm tabular-nums"
        onSubmit={(event) => {
          event.preventDefault();
          go();
        }}
      >
        <input
          aria-label={t("document.goTo")}
          inputMode="numeric"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
          onBlur={go}
          className="h-7 w-11 rounded-md border border-control/60 bg-surface text-center"
        />
        <span className="text-muted">/ {pages}</span>
      </form>
      <IconButton
        icon={ChevronRight}
        size="small"
        label={t("document.next")}
        disabled={page >= pages}
        onClick={() => onPage(page + 1)}
      />
      <span className="mx-1 h-4 w-px bg-line" aria-hidden />
      <IconButton
        icon={ZoomOut}
        size="small"
        label={t("document.smaller")}
        disabled={at <= 0}
        onClick={() => onZoom(STEPS[at - 1] ?? 1)}
      />
      <span className="w-10 text-center text-sm text-muted tabular-nums">{Math.round(zoom * 100)}%</span>
      <IconButton
        icon={ZoomIn}
        size="small"
        label={t("document.larger")}
        disabled={at >= STEPS.length - 1}
        onClick={() => onZoom(STEPS[at + 1] ?? 1)}
      />
    </div>
  );
}
