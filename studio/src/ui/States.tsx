import type { LucideIcon } from "lucide-react";
import type { ReactNode } from "react";

import { cx } from "@/ui/classes";

export function Skeleton({ className }: { className?: string }) {
  return <div aria-hidden className={cx("animate-pulse rounded-md bg-hover", className)} />;
}

/** Rows as they will stand, while they load. `label` is for screen readers. */
export function SkeletonRows({ rows = 5, label }: { rows?: number; label: string }) {
  return (
    <div role="status" aria-label={label} className="flex flex-col gap-3 p-4">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="flex items-center gap-4">
          <Skeleton className="h-4 grow" />
          <Skeleton className="hidden h-4 w-20 sm:block" />
          <Skeleton className="h-4 w-16" />
        </div>
      ))}
    </div>
  );
}

interface EmptyStateProps {
  icon: LucideIcon;
  title: string;
  text: ReactNode;
  children?: ReactNode;
}

/** Nothing is here yet: says what belongs here and how to begin. */
export function EmptyState({ icon: Icon, title, text, children }: EmptyStateProps) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-12 text-center">
      <div className="mb-1 rounded-lg bg-accent-soft p-2.5 text-accent-ink">
        <Icon size={22} aria-hidden />
      </div>
      <h2 className="text-md font-semibold">{title}</h2>
      <p className="text-base text-balance text-muted">{text}</p>
      {children && <div className="mt-3 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}
