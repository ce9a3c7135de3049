import { Link, type LinkOptions } from "@tanstack/react-router";
import { type ReactNode, useEffect, useRef } from "react";

/** Tabs that are links, so that each has an address. Where not all of them fit, the one that is open is in sight. */
export function LinkTabs({ label, children }: { label: string; children: ReactNode }) {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    row.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, []);
  return (
    <nav ref={row} aria-label={label} className="scroll-quiet mb-5 flex gap-1 overflow-x-auto border-b border-line">
      {children}
    </nav>
  );
}

/** `holds`: pages below its address are its own. */
export function LinkTab({ link, holds = false, children }: { link: LinkOptions; holds?: boolean; children: ReactNode }) {
  return (
    <Link
      {...link}
      activeOptions={{ exact: !holds, includeSearch: false }}
      className="-mb-px shrink-0 rounded-t-sm border-b-2 px-3 py-2 text-base font-medium whitespace-nowrap -outline-offset-2"
      activeProps={{ className: "border-accent text-ink" }}
      inactiveProps={{ className: "border-transparent text-muted hover:text-ink" }}
    >
      {children}
    </Link>
  );
}
