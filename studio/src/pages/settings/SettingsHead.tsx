import { linkOptions } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { useCrumbs } from "@/frame/crumbs";
import { PageHead } from "@/ui/Panel";
import { LinkTab, LinkTabs } from "@/ui/Tabs";

const TABS = [
  ["/settings", "organs"],
  ["/settings/models", "models"],
  ["/settings/keys", "keys"],
  ["/settings/budgets", "budgets"],
  ["/settings/spend", "spend"],
  ["/settings/members", "members"],
  ["/settings/values", "values"],
] as const;

export function SettingsHead({ tab }: { tab: (typeof TABS)[number][1] }) {
  const { t } = useTranslation();
  useCrumbs({ label: t("nav.settings"), to: "/settings" }, { label: t(`settings.${tab}`) });
  return (
    <>
      <PageHead title={t("nav.settings")} hint={t(`settings.${tab}Text`)} />
      <LinkTabs label={t("nav.settings")}>
        {TABS.map(([to, name]) => (
          <LinkTab key={to} link={linkOptions({ to })}>
            {t(`settings.${name}`)}
          </LinkTab>
        ))}
      </LinkTabs>
    </>
  );
}
