import { Outlet } from "@tanstack/react-router";
import { Lock } from "lucide-react";
import { useTranslation } from "react-i18next";

import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { Page } from "@/ui/Page";
import { PageHead } from "@/ui/Panel";
import { EmptyState } from "@/ui/States";

/** The pages of Settings for those who may see them; for whoever typed the address, whose they are. */
export function Administration() {
  return useMay()("admin") ? <Outlet /> : <NotYours />;
}

function NotYours() {
  const { t } = useTranslation();
  useCrumbs({ label: t("nav.settings") });
  return (
    <Page>
      <PageHead title={t("nav.settings")} />
      <EmptyState icon={Lock} title={t("role.adminSettings")} text={t("role.adminSettingsText")} />
    </Page>
  );
}
