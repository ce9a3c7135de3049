import { type ComponentProps, type ReactNode, createContext, useContext, useMemo } from "react";
import ReactMarkdown, { type Components } from "react-markdown";
import remarkGfm from "remark-gfm";
import remend from "remend";

import { Copy } from "@/ui/Copy";

export interface RichTextProps {
  text: string;
  streaming?: boolean;
  /** Draws the mark of a citation, "[1]"; null leaves the text as it is. */
  mark?: (position: number) => ReactNode;
  copyLabel: string;
  copiedLabel: string;
}

interface Node {
  type: string;
  value?: string;
  url?: string;
  children?: Node[];
}

const MARK = /\[(\d{1,3})\]/g;
const HREF = "#citation-";
const SAFE = /^(https?:|mailto:)/i;

/** A remark plugin: "[1]" in running text becomes a link to citation 1. Code keeps its brackets. */
export function citationMarks() {
  return (tree: Node): void => split(tree);
}

function split(node: Node): void {
  node.children = node.children?.flatMap((child): Node[] => {
    if (child.type === "link" || child.type === "linkReference") return [child];
    if (child.type !== "text" || !child.value) {
      split(child);
      return [child];
    }
    const parts: Node[] = [];
    let end = 0;
    for (const found of child.value.matchAll(MARK)) {
      if (found.index > end) parts.push({ type: "text", value: child.value.slice(end, found.index) });
      parts.push({ type: "link", url: HREF + found[1], children: [{ type: "text", value: found[0] }] });
      end = found.index + found[0].length;
    }
    if (end < child.value.length) parts.push({ type: "text", value: child.value.slice(end) });
    return parts;
  });
}

/** A remark plugin: HTML in the text is shown as the letters it is. */
export function htmlAsText() {
  const turn = (node: Node): void => {
    if (node.type === "html") node.type = "text";
    node.children?.forEach(turn);
  };
  return turn;
}

const Marks = createContext<RichTextProps["mark"]>(undefined);
const Labels = createContext({ copy: "", copied: "" });

function Anchor({ href, children }: ComponentProps<"a">) {
  const mark = useContext(Marks);
  if (href?.startsWith(HREF)) return mark?.(Number(href.slice(HREF.length))) ?? children;
  if (!href || !SAFE.test(href)) return <span>{children}</span>;
  return (
    <a href={href} target="_blank" rel="noopener noreferrer nofollow">
      {children}
    </a>
  );
}

/** Images of other hosts would tell them who reads what: their address stands instead. */
function Image({ src, alt }: ComponentProps<"img">) {
  if (typeof src === "string" && SAFE.test(src)) return <Anchor href={src}>{alt || src}</Anchor>;
  return <span>{alt}</span>;
}

function Pre({ children }: ComponentProps<"pre">) {
  const { copy, copied } = useContext(Labels);
  return (
    <figure className="code">
      <figcaption>
        <span>{languageOf(children)}</span>
        <Copy text={textOf(children)} label={copy} doneLabel={copied} />
      </figcaption>
      <pre tabIndex={0}>{children}</pre>
    </figure>
  );
}

/** What the fence names: ```python. */
function languageOf(node: ReactNode): string {
  if (!node || typeof node !== "object" || !("props" in node)) return "";
  return /language-(\S+)/.exec((node.props as { className?: string }).className ?? "")?.[1] ?? "";
}

function textOf(node: ReactNode): string {
  if (typeof node === "string" || typeof node === "number") return String(node);
  if (Array.isArray(node)) return node.map(textOf).join("");
  if (node && typeof node === "object" && "props" in node) return textOf((node.props as { children?: ReactNode }).children);
  return "";
}

const COMPONENTS: Components = {
  a: Anchor,
  img: Image,
  pre: Pre,
  table: ({ children }) => (
    <div className="table-scroll scroll-quiet" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
};

const PLUGINS = [remarkGfm, htmlAsText, citationMarks];

/** Rendered Markdown: no HTML, no images of other hosts, links only to http, https and mailto. What a stream has not
    closed yet (bold, code, a link) is closed for the moment. */
export function RichText({ text, streaming = false, mark, copyLabel, copiedLabel }: RichTextProps) {
  const labels = useMemo(() => ({ copy: copyLabel, copied: copiedLabel }), [copyLabel, copiedLabel]);
  return (
    <Labels value={labels}>
      <Marks value={mark}>
        <div className="prose">
          <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
            {streaming ? remend(text) : text}
          </ReactMarkdown>
        </div>
      </Marks>
    </Labels>
  );
}
