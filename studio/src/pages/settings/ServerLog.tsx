import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import type { ManagedServer } from "@/api/client";
import { serverLog } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { Copy } from "@/ui/Copy";
import { SidePanel } from "@/ui/Dialog";
import { Segments } from "@/ui/Segments";
import { SkeletonRows } from "@/ui/States";

/** What a server printed, as it comes; its end is in sight unless the reader scrolled up. */
export function ServerLog({ server, onClose }: { server: ManagedServer | undefined; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <SidePanel
      open={server !== undefined}
      onClose={onClose}
      title={t("managed.logOf", { name: server?.title ?? "" })}
      closeLabel={t("common.close")}
      wide
      flush
    >
      {server && <Lines key={server.state.name} server={server} />}
    </SidePanel>
  );
}

function Lines({ server: { state } }: { server: ManagedServer }) {
  const { t } = useTranslation();
  const begins = ["installing", "broken", "outdated"].includes(state.state) ? "install" : "server";
  const [which, setWhich] = useState<"server" | "install">(begins);
  const { data, error } = useQuery(serverLog(state.name, which === "install"));
  const box = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  const text = data?.lines.join("\n") ?? "";
  useEffect(() => {
    if (box.current && isAtEnd.current) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <div className="flex h-full flex-col gap-3 p-4">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Segments
          label={t("managed.log")}
          value={which}
          choices={[
            { value: "server", label: t("managed.logServer") },
            { value: "install", label: t("managed.logInstall") },
          ]}
          onChange={(next) => {
            isAtEnd.current = true;
            setWhich(next);
          }}
        />
        <Copy text={text} label={t("common.copy")} doneLabel={t("common.copied")} />
      </div>
      {error && <ErrorPanel error={error} />}
      {!error && !data && <SkeletonRows rows={6} label={t("common.loading")} />}
      {data && (
        <pre
          ref={box}
          tabIndex={0}
          lang="en"
          aria-label={t("managed.log")}
          className="scroll-quiet min-h-0 grow overflow-auto rounded-md border border-line bg-sunken p-3 font-mono text-xs leading-5 break-words whitespace-pre-wrap"
          onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
            isAtEnd.current = scrollHeight - scrollTop - clientHeight < 24;
          }}
        >
          {text || t("managed.logEmpty")}
        </pre>
      )}
    </div>
  );
}
