import { useTranslation } from "react-i18next";

import { AppIcon } from "@/pages/apps/AppIcon";
import { BACKGROUNDS, ICONS } from "@/pages/apps/looks";
import { Field, Input } from "@/ui/Field";
import { cx } from "@/ui/classes";

interface IconFieldProps {
  icon: string;
  background: string;
  error?: string;
  onIcon: (icon: string) => void;
  onBackground: (background: string) => void;
}

export function IconField({ icon, background, error, onIcon, onBackground }: IconFieldProps) {
  const { t } = useTranslation();
  const backgrounds = BACKGROUNDS.some((one) => one === background) ? BACKGROUNDS : [background, ...BACKGROUNDS];
  return (
    <div className="flex flex-wrap gap-x-5 gap-y-3">
      <AppIcon icon={icon} background={background} size="large" />
      <div className="flex min-w-0 grow basis-64 flex-col gap-3">
        <Field label={t("apps.icon")} {...(error ? { error } : { hint: t("apps.iconText") })}>
          {(ids) => (
            <div className="flex flex-wrap items-center gap-1">
              <Input {...ids} maxLength={16} value={icon} onChange={(event) => onIcon(event.target.value)} className="w-14! text-center" />
              {ICONS.map((one) => (
                <button
                  key={one}
                  type="button"
                  aria-label={t("apps.iconPick", { icon: one })}
                  aria-pressed={one === icon}
                  onClick={() => onIcon(one)}
                  className={cx("size-8 rounded-md text-lg leading-none hover:bg-hover", one === icon && "bg-accent-soft")}
                >
                  {one}
                </button>
              ))}
            </div>
          )}
        </Field>
        <fieldset>
          <legend className="mb-1.5 text-sm font-medium">{t("apps.colour")}</legend>
          <div className="flex flex-wrap gap-1.5">
            {backgrounds.map((one, index) => (
              <label key={one} className="relative flex size-8 items-center justify-center">
                <input
                  type="radio"
                  name="app-colour"
                  aria-label={t("apps.colourPick", { number: index + 1 })}
                  checked={one === background}
                  onChange={() => onBackground(one)}
                  className="peer absolute inset-0 cursor-pointer opacity-0"
                />
                <span
                  aria-hidden
                  style={{ background: one }}
                  className="size-7 rounded-full border border-line outline-offset-2 peer-checked:outline-2 peer-checked:outline-accent peer-focus-visible:outline-2 peer-focus-visible:outline-ink"
                />
              </label>
            ))}
          </div>
        </fieldset>
      </div>
    </div>
  );
}
