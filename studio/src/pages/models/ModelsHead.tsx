import { linkOptions } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useCrumbs } from "@/frame/crumbs";
import { PageHead } from "@/ui/Panel";
import { LinkTab, LinkTabs } from "@/ui/Tabs";

const TABS = [
  { to: "/models", tab: "routes", title: "routes.title", text: "routes.text" },
  { to: "/models/playground", tab: "playground", title: "playground.title", text: "playground.text" },
] as const;

export function ModelsHead({ tab, actions }: { tab: (typeof TABS)[number]["tab"]; actions?: ReactNode }) {
  const { t } = useTranslation();
  const here = TABS.find((one) => one.tab === tab) ?? TABS[0];
  useCrumbs({ label: t("nav.models"), to: "/models" }, { label: t(here.title) });
  return (
    <>
      <PageHead title={t("nav.models")} hint={t(here.text)} actions={actions} />
      <LinkTabs label={t("nav.models")}>
        {TABS.map(({ to, title }) => (
          <LinkTab key={to} link={linkOptions({ to })}>
            {t(title)}
          </LinkTab>
        ))}
      </LinkTabs>
    </>
  );
}
