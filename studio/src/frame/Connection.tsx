import { useQueryClient } from "@tanstack/react-query";
import { WifiOff } from "lucide-react";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";

import { connection } from "@/api/connection";
import { Button } from "@/ui/Button";
import { toast } from "@/ui/Toasts";

/** While the server does not answer: says so. When it is back: says so, and loads everything shown anew. */
export function Connection() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const state = useSyncExternalStore(connection.subscribe, connection.get);
  const before = useRef(state);
  useEffect(() => {
    if (before.current === "lost" && state === "online") {
      toast(t("connection.back"));
      void client.invalidateQueries();
    }
    before.current = state;
  }, [state, client, t]);
  if (state === "online") return null;
  return (
    <div role="status" className="flex items-center gap-3 border-b border-warn/30 bg-warn-soft px-4 py-2 text-base text-warn">
      <WifiOff size={16} className="shrink-0" aria-hidden />
      <p className="min-w-0 grow">{t("connection.lost")}</p>
      <Button size="small" onClick={connection.retry}>
        {t("connection.retry")}
      </Button>
    </div>
  );
}
