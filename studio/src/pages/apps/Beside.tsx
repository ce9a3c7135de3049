import type { ReactNode } from "react";

/** A form, and beside it on a wide screen what it makes, where that can be shown. */
export function Beside({ form, made }: { form: ReactNode; made: ReactNode }) {
  return (
    <div className="grid gap-5 xl:grid-cols-[minmax(0,1fr)_25rem]">
      <div className="min-w-0 max-w-3xl">{form}</div>
      {made && (
        <div className="hidden xl:block">
          <div className="sticky top-4 flex h-[calc(100dvh-5.5rem)] flex-col overflow-hidden rounded-xl border border-line bg-canvas shadow-low">
            {made}
          </div>
        </div>
      )}
    </div>
  );
}
