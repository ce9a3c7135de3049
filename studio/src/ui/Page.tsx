import type { ReactNode } from "react";

/** The width and air of a page. */
export function Page({ children }: { children: ReactNode }) {
  return <div className="mx-auto max-w-6xl px-4 py-6 sm:px-6">{children}</div>;
}
