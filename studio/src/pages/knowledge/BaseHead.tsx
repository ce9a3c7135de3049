import { useQuery } from "@tanstack/react-query";
import { linkOptions } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";

import { baseOf } from "@/api/queries";
import { useCrumbs } from "@/frame/crumbs";
import { StateCounts } from "@/pages/knowledge/State";
import { PageHead } from "@/ui/Panel";
import { LinkTab, LinkTabs } from "@/ui/Tabs";

/** Name, counts and tabs of one knowledge base. */
export function BaseHead({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = useQuery(baseOf(id));
  const name = data?.base.name ?? "";
  useCrumbs({ label: t("nav.knowledge"), to: "/knowledge" }, { label: name });
  return (
    <>
      <PageHead title={name || " "} hint={data?.base.description} actions={data && <StateCounts counts={data.documents} />} />
      <LinkTabs label={name}>
        <LinkTab link={linkOptions({ to: "/knowledge/$base", params: { base: id } })}>
          {t("knowledge.documents")}
        </LinkTab>
        <LinkTab link={linkOptions({ to: "/knowledge/$base/retrieval", params: { base: id } })}>
          {t("retrieval.title")}
        </LinkTab>
      </LinkTabs>
    </>
  );
}
