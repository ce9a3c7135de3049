import { useTranslation } from "react-i18next";

import { Button } from "@/ui/Button";

interface PagerProps {
  page: number;
  /** How many there are in all, and how many a page has; none yet: nothing is shown. */
  of: { readonly total: number; readonly limit: number } | undefined;
  onPage: (page: number) => void;
}

/** Which page of a list this is, and the way to its neighbours, the newest first; nothing where there is one page. */
export function Pager({ page, of, onPage }: PagerProps) {
  const { t } = useTranslation();
  const pages = of ? Math.ceil(of.total / of.limit) : 0;
  if (pages <= 1) return null;
  return (
    <div className="flex items-center justify-end gap-2 border-t border-line p-3 text-sm text-muted">
      {t("pages.at", { page, pages })}
      <Button size="small" disabled={page <= 1} onClick={() => onPage(page - 1)}>
        {t("pages.newer")}
      </Button>
      <Button size="small" disabled={page >= pages} onClick={() => onPage(page + 1)}>
        {t("pages.older")}
      </Button>
    </div>
  );
}
