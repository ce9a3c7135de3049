import { Settings2, Tag as TagIcon } from "lucide-react";
import { useTranslation } from "react-i18next";

import type { Tag } from "@/api/tags";
import { IconButton } from "@/ui/Button";
import { cx } from "@/ui/classes";

interface TagFilterProps {
  tags: readonly Tag[];
  /** Ids; a base is shown that has all of them. */
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
  /** None: whoever looks may not change them. */
  onManage: (() => void) | undefined;
}

/** Tags as buttons; each pressed one narrows the list. */
export function TagFilter({ tags, chosen, onChange, onManage }: TagFilterProps) {
  const { t } = useTranslation();
  return (
    <div role="group" aria-label={t("tags.filter")} className="flex flex-wrap items-center gap-1.5">
      {tags.map(({ id, name }) => {
        const isOn = chosen.includes(id);
        return (
          <button
            key={id}
            type="button"
            aria-pressed={isOn}
            onClick={() => onChange(isOn ? chosen.filter((one) => one !== id) : [...chosen, id])}
            className={cx(
              "inline-flex h-7 max-w-full items-center gap-1.5 rounded-full border px-2.5 text-sm",
              isOn ? "border-accent bg-accent-soft font-medium text-accent-ink" : "border-line text-muted hover:border-control hover:text-ink",
            )}
          >
            <TagIcon size={12} aria-hidden className="shrink-0" />
            <span className="truncate">{name}</span>
          </button>
        );
      })}
      {onManage && <IconButton icon={Settings2} size="small" label={t("tags.manage")} onClick={onManage} />}
    </div>
  );
}
