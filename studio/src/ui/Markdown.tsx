import { type ReactNode, lazy, Suspense } from "react";

import type { RichTextProps } from "@/ui/RichText";

const load = () => import("@/ui/RichText").then((module) => ({ default: module.RichText }));
const RichText = lazy(load);

/** Fetches the renderer ahead of the first answer. */
export const preloadMarkdown = (): void => void load();

/** Markdown, also while it streams. Its renderer comes in a chunk of its own; until then the plain text stands. */
export function Markdown(props: RichTextProps): ReactNode {
  return (
    <Suspense fallback={<div className="prose whitespace-pre-wrap">{props.text}</div>}>
      <RichText {...props} />
    </Suspense>
  );
}
