import { ArrowUp, X } from "lucide-react";
import { useTranslation } from "react-i18next";

import { IconButton } from "@/ui/Button";
import { Choose, Field } from "@/ui/Field";

interface NameListProps {
  label: string;
  hint: string;
  names: readonly string[];
  known: readonly string[];
  onChange: (names: readonly string[]) => void;
}

/** Models in an order: added at the end, moved up, taken away. */
export function NameList({ label, hint, names, known, onChange }: NameListProps) {
  const { t } = useTranslation();
  const free = known.filter((one) => !names.includes(one));
  const up = (index: number) => {
    const next = [...names];
    const [one = ""] = next.splice(index, 1);
    next.splice(index - 1, 0, one);
    onChange(next);
  };
  return (
    <div className="flex flex-col gap-2">
      <Field label={label} hint={hint}>
        {(ids) => (
          <Choose {...ids} value="" disabled={free.length === 0} onChange={(event) => event.target.value && onChange([...names, event.target.value])}>
            <option value="">{t("routes.addModel")}</option>
            {free.map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </Choose>
        )}
      </Field>
      {names.length > 0 && (
        <ol aria-label={label} className="flex flex-col gap-1">
          {names.map((name, index) => (
            <li key={name} className="flex items-center gap-2 rounded-md bg-sunken py-0.5 pr-1 pl-3">
              <span className="text-sm text-muted tabular-nums">{index + 1}</span>
              <span className="min-w-0 grow font-mono text-sm break-all">{name}</span>
              <IconButton icon={ArrowUp} size="small" label={t("routes.moveUp", { name })} disabled={index === 0} onClick={() => up(index)} />
              <IconButton icon={X} size="small" label={t("limits.remove", { name })} onClick={() => onChange(names.filter((one) => one !== name))} />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
