import { Link, type LinkOptions } from "@tanstack/react-router";
import type { ReactNode } from "react";

/** Tabs that are links, so that each has an address. */
export function LinkTabs({ label, children }: { label: string; children: ReactNode }) {
  return (
    <nav aria-label={label} className="scroll-quiet mb-5 flex gap-1 overflow-x-auto border-b border-line">
      {children}
    </nav>
  );
}

export function LinkTab({ link, children }: { link: LinkOptions; children: ReactNode }) {
  return (
    <Link
      {...link}
      activeOptions={{ exact: true, includeSearch: false }}
      className="-mb-px shrink-0 rounded-t-sm border-b-2 px-3 py-2 text-base font-medium whitespace-nowrap -outline-offset-2"
      activeProps={{ className: "border-accent text-ink" }}
      inactiveProps={{ className: "border-transparent text-muted hover:text-ink" }}
    >
      {children}
    </Link>
  );
}
