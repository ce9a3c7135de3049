import { Link } from "@tanstack/react-router";
import { Archive, ArchiveRestore, EllipsisVertical, Eye, EyeOff, type LucideIcon, Pencil, RotateCw, Trash2, Users } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Document } from "@/api/client";
import { type News, failureOf } from "@/api/documents";
import { useErrorText } from "@/frame/errorText";
import { useFormat } from "@/i18n/format";
import { useRetry } from "@/pages/knowledge/FailedDocument";
import { DocumentState } from "@/pages/knowledge/State";
import { type Mark, useMark } from "@/pages/knowledge/marks";
import { Badge } from "@/ui/Badge";
import { IconButton } from "@/ui/Button";
import { Menu } from "@/ui/Menu";

const ARCHIVES = new Set(["application/zip", "application/x-tar", "application/gzip"]);

interface DocumentRowProps {
  base: string;
  document: Document;
  reading: News["reading"][number] | undefined;
  isSelected: boolean;
  /** Chosen with all others; not to be changed alone. */
  isFixed: boolean;
  mayChange: boolean;
  onToggle: (id: string) => void;
  onDelete: (document: Document) => void;
  onAbout: (document: Document) => void;
}

/** The cells of one document. A name with folders shows its own part first. */
export function DocumentRow({ base, document, reading, isSelected, isFixed, mayChange, onToggle, onDelete, onAbout }: DocumentRowProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const retry = useRetry();
  const mark = useMark(base);
  const item = (as: Mark, icon: LucideIcon) => ({
    id: as,
    label: t(`marks.${as}`),
    icon,
    run: () => mark.mutate({ choice: { ids: [document.id], search: "" }, as }),
  });
  const words = useErrorText();
  const parts = document.name.split(" › ");
  const own = parts.pop() ?? document.name;
  const wrong = document.state === "failed" ? words(failureOf(document)) : null;
  return (
    <>
      <td className="py-2.5 pl-4 align-top">
        {mayChange && (
          <input
            type="checkbox"
            aria-label={t("select.one", { name: document.name })}
            checked={isSelected}
            disabled={isFixed}
            onChange={() => onToggle(document.id)}
            className="size-4 align-middle accent-accent"
          />
        )}
      </td>
      <td className="px-2 py-2.5 align-top sm:px-3">
        <Link
          to="/knowledge/$base/documents/$document"
          params={{ base, document: document.id }}
          title={document.name}
          className="font-medium break-words hover:underline"
        >
          {own}
        </Link>
        {parts.length > 0 && <span className="block truncate text-xs text-faint">{parts.join(" › ")}</span>}
        <p className="text-xs text-faint tabular-nums md:hidden">
          {format.bytes(document.size)}
          {document.chunk_count > 0 && ` · ${t("knowledge.passageCount", { count: document.chunk_count })}`}
        </p>
        {ARCHIVES.has(document.media_type) && document.state === "ready" && (
          <Link to="/knowledge/$base" params={{ base }} search={{ search: `${document.name} › `, sort: "name" }} className="text-sm text-muted underline">
            {t("knowledge.inside")}
          </Link>
        )}
        {(!document.enabled || document.archived || document.groups.length > 0) && (
          <p className="mt-0.5 flex flex-wrap gap-1">
            {document.archived ? <Badge>{t("marks.is.archived")}</Badge> : !document.enabled && <Badge tone="warn">{t("marks.is.disabled")}</Badge>}
            {document.groups.map((group) => (
              <Badge key={group} icon={Users}>
                {group}
              </Badge>
            ))}
          </p>
        )}
        {wrong && (
          <p className="mt-0.5 text-sm">
            <span className="text-bad">{wrong.message}</span> <span className="text-muted">{wrong.hint}</span>
          </p>
        )}
        {document.warnings.map((warning) => (
          <p key={warning} className="mt-0.5 text-sm text-warn">
            {warning}
          </p>
        ))}
      </td>
      <td className="px-2 py-2.5 align-top sm:px-3">
        <DocumentState document={reading && document.state !== "ready" ? { ...document, ...reading, state: "running" } : document} />
      </td>
      <td className="hidden px-3 py-2.5 text-right align-top tabular-nums md:table-cell">
        {document.chunk_count ? format.number(document.chunk_count) : "–"}
      </td>
      <td className="hidden px-3 py-2.5 text-right align-top whitespace-nowrap text-muted tabular-nums md:table-cell">
        {format.bytes(document.size)}
      </td>
      <td className="hidden px-3 py-2.5 align-top whitespace-nowrap text-muted lg:table-cell">{format.ago(document.updated_at)}</td>
      <td className="py-1.5 pr-2 text-right align-top whitespace-nowrap">
        {mayChange && document.state === "failed" && (
          <IconButton
            icon={RotateCw}
            size="small"
            label={t("knowledge.retry", { name: document.name })}
            onClick={() => retry.mutate(document.id)}
          />
        )}
        {mayChange && (
          <Menu
            trigger={<IconButton icon={EllipsisVertical} size="small" label={t("marks.more", { name: document.name })} />}
            groups={[
              {
                items: [
                  ...(document.archived ? [] : [{ id: "about", label: t("about.edit"), icon: Pencil, run: () => onAbout(document) }]),
                  document.enabled ? item("off", EyeOff) : item("on", Eye),
                  document.archived ? item("back", ArchiveRestore) : item("archive", Archive),
                ],
              },
              { items: [{ id: "delete", label: t("common.delete"), icon: Trash2, danger: true, run: () => onDelete(document) }] },
            ]}
          />
        )}
      </td>
    </>
  );
}
