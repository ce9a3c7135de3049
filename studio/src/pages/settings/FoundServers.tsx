import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Plug, Server } from "lucide-react";
import { useTranslation } from "react-i18next";

import { type ConnectionState, api, body } from "@/api/client";
import { doctor } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { sameAddress } from "@/pages/settings/addresses";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/Toasts";

interface Found {
  readonly kind: string;
  readonly url: string;
  readonly models: readonly string[];
}

const KINDS: Readonly<Record<string, string>> = { ollama: "Ollama", vllm: "vLLM", "llama.cpp": "llama.cpp", "lm studio": "LM Studio" };

/** Model servers that answer on this machine and are not connected: one press connects each. */
export function FoundServers({ kept }: { kept: readonly ConnectionState["connection"][] | undefined }) {
  const { t } = useTranslation();
  const { data } = useQuery(doctor);
  if (!data || !kept) return null;
  const organ = data.organs.find(({ port }) => port === "llm");
  const there = [...kept.map(({ url }) => url), organ?.health.where ?? ""];
  const found = (data.found as unknown as Found[]).filter(({ url }) => !there.some((one) => sameAddress(one, url)));
  if (found.length === 0) return null;
  return (
    <Panel title={t("settings.found")} hint={t("models.foundText")} flush>
      <ul>
        {found.map((server) => (
          <FoundServer key={server.url} server={server} kept={kept} />
        ))}
      </ul>
    </Panel>
  );
}

function FoundServer({ server, kept }: { server: Found; kept: readonly ConnectionState["connection"][] }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const label = KINDS[server.kind] ?? server.kind;
  const taken = kept.filter(({ name }) => name.startsWith(label)).length;
  const connect = useMutation({
    mutationFn: () =>
      body(
        api.POST("/models/connections", {
          body: {
            name: taken ? `${label} ${taken + 1}` : label,
            url: server.url,
            model: "",
            context_tokens: 8192,
            is_default: !kept.some(({ is_default }) => is_default),
            untested: false,
          },
        }),
      ),
    onSuccess: async ({ connection, tried }) => {
      await client.invalidateQueries({ queryKey: ["models"] });
      toast(t("models.connected", { name: connection.name }), {
        text: tried ? t("models.firstPiece", { model: tried.model, count: tried.first_ms }) : undefined,
      });
    },
  });
  return (
    <li className="border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-3">
        <Server size={17} className="shrink-0 text-accent-ink" aria-hidden />
        <div className="min-w-0 grow basis-48">
          <p className="font-medium">
            {label} <code className="font-mono text-sm font-normal break-all text-muted">{server.url}</code>
          </p>
          <p className="text-sm break-words text-muted">
            {server.models.length > 0 ? server.models.slice(0, 6).join(", ") : t("models.empty")}
          </p>
        </div>
        <Button icon={Plug} kind="primary" size="small" busy={connect.isPending} onClick={() => connect.mutate()}>
          {t("models.connectNow")}
        </Button>
      </div>
      {connect.error && (
        <div className="mt-3">
          <ErrorPanel error={connect.error} />
        </div>
      )}
    </li>
  );
}
