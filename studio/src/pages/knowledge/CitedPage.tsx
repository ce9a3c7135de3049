import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import type { Citation } from "@/api/ask";
import { documentOf, hasPages, passagesOf } from "@/api/documents";
import { PageSheet } from "@/pages/knowledge/PageSheet";
import { PageTools } from "@/pages/knowledge/PageTools";

/** The page a citation stands on, its passage marked and the quoted words lit; nothing for documents without pages. */
export function CitedPage({ citation }: { citation: Citation }) {
  const { data: document } = useQuery(documentOf(citation.document_id));
  const { data: passages } = useQuery(passagesOf(citation.document_id, { holding: citation.chunk_id }));
  const [turned, setTurned] = useState<number | null>(null);
  const [zoom, setZoom] = useState(1);
  if (!document || !passages || !hasPages(document)) return null;
  const own = passages.find(({ id }) => id === citation.chunk_id);
  const page = turned ?? own?.page ?? citation.page ?? 1;
  return (
    <div className="mb-5">
      <div className="mb-2 flex justify-center">
        <PageTools page={page} pages={document.pages ?? 1} onPage={setTurned} zoom={zoom} onZoom={setZoom} />
      </div>
      <div data-column className="scroll-quiet max-h-[62dvh] overflow-auto rounded-lg border border-line bg-sunken p-2" tabIndex={0}>
        <PageSheet
          document={document.id}
          page={page}
          passages={own ? [own] : []}
          chosen={own?.id}
          quote={citation.quote}
          zoom={zoom}
        />
      </div>
    </div>
  );
}
