import { type ReactNode, lazy, Suspense } from "react";

import type { RichTextProps } from "@/ui/RichText";

const RichText = lazy(() => import("@/ui/RichText").then((module) => ({ default: module.RichText })));

/** Markdown, also while it streams. Its renderer comes in a chunk of its own; until then the plain text stands. */
export function Markdown(props: RichTextProps): ReactNode {
  return (
    <Suspense fallback={<div className="prose whitespace-pre-wrap">{props.text}</div>}>
      <RichText {...props} />
    </Suspense>
  );
}
