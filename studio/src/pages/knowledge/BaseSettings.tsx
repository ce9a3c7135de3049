import { getRouteApi } from "@tanstack/react-router";

import { BaseHead } from "@/pages/knowledge/BaseHead";
import { EmbeddingPanel } from "@/pages/knowledge/EmbeddingPanel";
import { Chunking } from "@/pages/knowledge/chunking/Chunking";
import { FieldsPanel } from "@/pages/knowledge/fields/FieldsPanel";
import { RetrievalPanel } from "@/pages/knowledge/retrieval/RetrievalPanel";
import { useProgress } from "@/pages/knowledge/useProgress";
import { Page } from "@/ui/Page";

const route = getRouteApi("/inside/knowledge/$base/settings");

/** How a knowledge base's documents are cut, searched and embedded, and what they can say of themselves. */
export function BaseSettings() {
  const { base } = route.useParams();
  const news = useProgress(base);
  return (
    <Page>
      <BaseHead id={base} />
      <div className="flex flex-col gap-4">
        <Chunking base={base} news={news} />
        <RetrievalPanel base={base} />
        <EmbeddingPanel base={base} news={news} />
        <FieldsPanel base={base} />
      </div>
    </Page>
  );
}
