import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { LockKeyhole } from "lucide-react";
import { useTranslation } from "react-i18next";

import { accessOf } from "@/api/access";
import { baseOf } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useMay } from "@/frame/role";
import { BaseHead } from "@/pages/knowledge/BaseHead";
import { Circles } from "@/pages/knowledge/access/Circles";
import { LookAs } from "@/pages/knowledge/access/LookAs";
import { WhoSees } from "@/pages/knowledge/access/WhoSees";
import { Page } from "@/ui/Page";
import { Panel } from "@/ui/Panel";
import { EmptyState, SkeletonRows } from "@/ui/States";

const route = getRouteApi("/inside/knowledge/$base/access");

/** Who sees a knowledge base: its groups, who is in them, and how it looks to somebody else. */
export function AccessPage() {
  const { t } = useTranslation();
  const { base } = route.useParams();
  const may = useMay();
  const { data: about, isError: isMissing } = useQuery(baseOf(base));
  const { data, error, refetch } = useQuery({ ...accessOf(base), enabled: may("editor") });
  return (
    <Page>
      <BaseHead id={base} />
      {!may("editor") && (
        <Panel>
          <EmptyState icon={LockKeyhole} title={t("access.notYours")} text={t("access.notYoursText")} />
        </Panel>
      )}
      {may("editor") && !isMissing && (
        <div className="flex flex-col gap-4">
          {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
          {!data && !error && (
            <Panel flush>
              <SkeletonRows label={t("common.loading")} />
            </Panel>
          )}
          {data && <WhoSees key={data.groups.join()} base={base} access={data} />}
          {data && <Circles access={data} />}
          {data && may("admin") && <LookAs base={base} access={data} isElsewhere={about?.base.external_api_id != null} />}
        </div>
      )}
    </Page>
  );
}
