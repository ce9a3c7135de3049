import { Link, useRouter } from "@tanstack/react-router";
import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";

import { ErrorPanel } from "@/frame/ErrorPanel";
import { EmptyState, SkeletonRows } from "@/ui/States";

export function PageWaiting() {
  const { t } = useTranslation();
  return <SkeletonRows label={t("common.loading")} />;
}

export function PageError({ error }: { error: unknown }) {
  const router = useRouter();
  return (
    <div className="mx-auto max-w-2xl p-4 sm:p-8">
      <ErrorPanel error={error} onRetry={() => void router.invalidate()} />
    </div>
  );
}

export function PageMissing() {
  const { t } = useTranslation();
  return (
    <EmptyState icon={Compass} title={t("frame.missing")} text={t("frame.missingText")}>
      <Link to="/" className="text-accent-ink underline underline-offset-2">
        {t("frame.toHome")}
      </Link>
    </EmptyState>
  );
}
