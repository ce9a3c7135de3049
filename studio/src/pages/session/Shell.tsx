import { BookOpenCheck, Languages, Moon, ShieldCheck, Sun, Quote, Monitor } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Connection } from "@/frame/Connection";
import { LANGUAGES, THEMES, setPreferences, usePreferences } from "@/frame/preferences";
import { IconButton } from "@/ui/Button";
import { Logo } from "@/ui/Logo";

const POINTS = [
  ["cited", Quote],
  ["yours", ShieldCheck],
  ["korean", BookOpenCheck],
] as const;

const THEME_ICONS = { system: Monitor, light: Sun, dark: Moon } as const;

/** The page around signing in: on a wide screen beside what LLMFlow is for. */
export function Shell({ title, hint, children }: { title: string; hint?: ReactNode; children: ReactNode }) {
  const { t } = useTranslation();
  const { language, theme } = usePreferences();
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? "system";
  return (
    <div className="flex min-h-dvh flex-col">
      <Connection />
      <div className="grid grow lg:grid-cols-[minmax(0,5fr)_minmax(0,7fr)]">
        <aside className="hidden flex-col justify-between border-r border-line bg-accent-soft p-12 lg:flex">
          <Brand />
          <div className="max-w-md">
            <p className="text-xl leading-snug font-semibold tracking-tight text-balance text-accent-ink">{t("session.pitch")}</p>
            <ul className="mt-6 flex flex-col gap-3.5">
              {POINTS.map(([point, Icon]) => (
                <li key={point} className="flex items-start gap-3 text-md">
                  <Icon size={18} className="mt-0.5 shrink-0 text-accent-ink" aria-hidden />
                  {t(`session.point.${point}`)}
                </li>
              ))}
            </ul>
          </div>
          <span aria-hidden />
        </aside>
        <div className="flex flex-col bg-surface">
          <main className="flex grow flex-col items-center justify-center px-5 py-10">
            <div className="w-full max-w-sm">
              <div className="mb-8 lg:hidden">
                <Brand />
              </div>
              <h1 className="text-xl font-semibold tracking-tight">{title}</h1>
              {hint && <p className="mt-1.5 mb-6 text-muted">{hint}</p>}
              {children}
            </div>
          </main>
          <footer className="flex items-center justify-center gap-3 p-4 text-sm text-muted">
            <Languages size={15} aria-hidden />
            {LANGUAGES.map((one) => (
              <button
                key={one}
                type="button"
                lang={one}
                aria-pressed={one === language}
                onClick={() => setPreferences({ language: one })}
                className="min-h-7 rounded-sm px-1 py-0.5 hover:text-ink aria-pressed:font-semibold aria-pressed:text-ink"
              >
                {t(`language.${one}`)}
              </button>
            ))}
            <IconButton
              icon={THEME_ICONS[theme]}
              size="small"
              label={t("palette.theme", { theme: t(`theme.${theme}`) })}
              onClick={() => setPreferences({ theme: next })}
            />
          </footer>
        </div>
      </div>
    </div>
  );
}

function Brand() {
  return (
    <div className="flex items-center gap-3">
      <Logo size={34} />
      <span className="text-xl font-semibold tracking-tight">LLMFlow</span>
    </div>
  );
}
