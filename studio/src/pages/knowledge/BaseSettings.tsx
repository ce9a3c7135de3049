import { getRouteApi } from "@tanstack/react-router";

import { BaseHead } from "@/pages/knowledge/BaseHead";
import { EmbeddingPanel } from "@/pages/knowledge/EmbeddingPanel";
import { useProgress } from "@/pages/knowledge/useProgress";
import { Page } from "@/ui/Page";

const route = getRouteApi("/inside/knowledge/$base/settings");

/** How a knowledge base is embedded. */
export function BaseSettings() {
  const { base } = route.useParams();
  const news = useProgress(base);
  return (
    <Page>
      <BaseHead id={base} />
      <div className="flex flex-col gap-4">
        <EmbeddingPanel base={base} news={news} />
      </div>
    </Page>
  );
}
