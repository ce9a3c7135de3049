import { Languages } from "lucide-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Connection } from "@/frame/Connection";
import { LANGUAGES, setPreferences, usePreferences } from "@/frame/preferences";
import { Logo } from "@/ui/Logo";

/** The page around signing in. */
export function Shell({ title, hint, children }: { title: string; hint: string; children: ReactNode }) {
  const { t } = useTranslation();
  const { language } = usePreferences();
  return (
    <div className="flex min-h-dvh flex-col">
      <Connection />
      <main className="flex grow flex-col items-center justify-center px-4 py-10">
        <div className="w-full max-w-sm">
          <div className="mb-7 flex items-center gap-3">
            <Logo size={34} />
            <span className="text-xl font-semibold tracking-tight">LLMFlow</span>
          </div>
          <h1 className="text-lg font-semibold">{title}</h1>
          <p className="mt-1 mb-6 text-muted">{hint}</p>
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
            className="rounded-sm px-1 py-0.5 hover:text-ink aria-pressed:font-semibold aria-pressed:text-ink"
          >
            {t(`language.${one}`)}
          </button>
        ))}
      </footer>
    </div>
  );
}
