import { FileText, LoaderCircle, TriangleAlert, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";

import { useFormat } from "@/i18n/format";
import type { Attachment } from "@/pages/chat/attachments";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/classes";

interface AttachmentChipsProps {
  all: readonly Attachment[];
  onRemove: (key: number) => void;
}

/** The files of the question that is being written: how far each is, and why one was refused. */
export function AttachmentChips({ all, onRemove }: AttachmentChipsProps) {
  const { t } = useTranslation();
  if (all.length === 0) return null;
  return (
    <ul aria-label={t("chat.files.title")} className="flex flex-wrap gap-2 px-1 pt-1 pb-2">
      {all.map((one) => (
        <li
          key={one.key}
          className={cx(
            "relative flex max-w-full items-center gap-2 overflow-hidden rounded-lg border py-1 pr-1 pl-2 text-sm",
            one.error ? "border-bad/40 bg-bad-soft" : "border-line bg-canvas",
          )}
        >
          <Picture one={one} />
          <span className="min-w-0">
            <span className="block max-w-52 truncate">{one.file.name}</span>
            <State one={one} />
          </span>
          <IconButton icon={X} size="small" label={t("chat.files.remove", { name: one.file.name })} onClick={() => onRemove(one.key)} />
        </li>
      ))}
    </ul>
  );
}

function State({ one }: { one: Attachment }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (one.error) {
    return (
      <span role="alert" className="block max-w-72 text-xs break-words text-bad">
        {one.error.message || t("errors.server_unreachable.message")} {one.error.hint}
      </span>
    );
  }
  const size = format.bytes(one.file.size);
  const told = one.kept ? size : one.part < 1 ? `${format.number(one.part * 100)} %` : t("chat.files.reading");
  return <span className="block text-xs text-faint">{told}</span>;
}

function Picture({ one }: { one: Attachment }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    if (!/^image\/(png|jpeg|gif|webp)$/.test(one.file.type)) return;
    const made = URL.createObjectURL(one.file);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [one.file]);
  if (one.error) return <TriangleAlert size={16} className="shrink-0 text-bad" aria-hidden />;
  if (address) return <img src={address} alt="" className={cx("size-8 rounded-sm object-cover", !one.kept && "opacity-50")} />;
  if (!one.kept) return <LoaderCircle size={16} className="shrink-0 animate-spin text-faint" aria-hidden />;
  return <FileText size={16} className="shrink-0 text-accent-ink" aria-hidden />;
}
