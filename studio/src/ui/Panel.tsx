import type { ReactNode } from "react";

import { cx } from "@/ui/classes";

/** A titled sheet of a page. */
export function Panel({
  title,
  hint,
  actions,
  children,
  flush = false,
  className,
}: {
  title?: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  flush?: boolean;
  className?: string;
}) {
  return (
    <section className={cx("rounded-lg border border-line bg-surface", className)}>
      {(title || actions) && (
        <header className="flex flex-wrap items-center gap-x-3 gap-y-2 border-b border-line px-4 py-3">
          <div className="min-w-0 grow">
            <h2 className="text-base font-semibold">{title}</h2>
            {hint && <p className="text-sm text-muted">{hint}</p>}
          </div>
          {actions}
        </header>
      )}
      <div className={cx(!flush && "p-4")}>{children}</div>
    </section>
  );
}

/** A page's heading with what can be done here. */
export function PageHead({ title, hint, actions }: { title: ReactNode; hint?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="mb-5 flex flex-wrap items-start gap-x-4 gap-y-3">
      <div className="min-w-0 grow basis-60">
        <h1 className="text-xl font-semibold tracking-tight break-words">{title}</h1>
        {hint && <p className="mt-1 max-w-2xl text-base text-muted">{hint}</p>}
      </div>
      {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
    </div>
  );
}
