import { useMutation } from "@tanstack/react-query";
import { ArrowUpRight, Globe, GlobeLock, RefreshCw, TriangleAlert } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type App, type Site, api, body } from "@/api/client";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { useFormat } from "@/i18n/format";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { Confirm } from "@/ui/Dialog";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/Toasts";

const HERE_ONLY = ["localhost", "127.0.0.1", "[::1]"];

interface SiteAddressProps {
  app: App;
  site: Site | null;
  busy: boolean;
  blocked: boolean;
  onSwitch: (on: boolean) => void;
  onRenewed: (site: Site) => void;
}

/** Whether the page can be seen, and where. */
export function SiteAddress({ app, site, busy, blocked, onSwitch, onRenewed }: SiteAddressProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const [ending, setEnding] = useState<"address" | "page" | null>(null);
  const isOn = site?.is_on ?? false;
  const ends = site?.expires_at ?? null;
  const isOver = ends !== null && ends <= Date.now();
  const renew = useMutation({
    mutationFn: () => body(api.POST("/apps/{app}/site/code", { params: { path: { app: app.id } } })),
    onSuccess: (saved) => {
      onRenewed(saved);
      setEnding(null);
      toast(t("publish.renewed"));
    },
  });
  const badge = !isOn ? (
    <Badge icon={GlobeLock}>{t("publish.off")}</Badge>
  ) : isOver ? (
    <Badge tone="warn" icon={GlobeLock}>
      {t("publish.over")}
    </Badge>
  ) : (
    <Badge tone="good" icon={Globe}>
      {t("publish.on")}
    </Badge>
  );
  return (
    <Panel
      title={
        <span className="flex items-center gap-2">
          {t("publish.page")}
          {badge}
        </span>
      }
      hint={isOn ? t("publish.onText") : t("publish.offText")}
      actions={
        isOn ? (
          <Button onClick={() => setEnding("page")} disabled={busy}>
            {t("publish.turnOff")}
          </Button>
        ) : (
          <Button kind="primary" icon={Globe} onClick={() => onSwitch(true)} busy={busy} disabled={blocked}>
            {t("publish.turnOn")}
          </Button>
        )
      }
    >
      {site && isOn ? (
        <Address
          site={site}
          ends={ends === null ? "" : isOver ? t("publish.overSince", { when: format.date(ends) }) : t("publish.ends", { when: format.date(ends) })}
          onRenew={() => setEnding("address")}
        />
      ) : (
        <ul className="list-disc space-y-1 pl-5 text-muted">
          <li>{t("publish.tellWho")}</li>
          <li>{t("publish.tellWhat")}</li>
          <li>{t("publish.tellCost")}</li>
        </ul>
      )}
      <ConfirmChange
        open={ending === "address"}
        onClose={() => setEnding(null)}
        onConfirm={() => renew.mutate()}
        change={renew}
        title={t("publish.renew")}
        text={t("publish.renewText")}
        confirmLabel={t("publish.renewNow")}
      />
      <Confirm
        open={ending === "page"}
        onClose={() => setEnding(null)}
        onConfirm={() => {
          setEnding(null);
          onSwitch(false);
        }}
        title={t("publish.turnOff")}
        text={t("publish.turnOffText")}
        confirmLabel={t("publish.turnOff")}
        cancelLabel={t("common.cancel")}
      />
    </Panel>
  );
}

function Address({ site, ends, onRenew }: { site: Site; ends: string; onRenew: () => void }) {
  const { t } = useTranslation();
  const address = `${window.location.origin}/p/${site.code}`;
  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        <div className="flex min-w-0 grow basis-72 items-center gap-1 rounded-md border border-line bg-sunken py-1 pr-1 pl-3">
          <code className="min-w-0 grow font-mono text-sm break-all" aria-label={t("publish.address")}>
            {address}
          </code>
          <Copy text={address} label={t("publish.copy")} doneLabel={t("common.copied")} />
        </div>
        <a
          href={address}
          target="_blank"
          rel="noopener"
          className="inline-flex h-9 items-center gap-1 rounded-md border border-control/60 bg-surface px-3.5 font-medium hover:bg-hover"
        >
          {t("publish.open")}
          <ArrowUpRight size={15} aria-hidden />
        </a>
        <Button kind="quiet" icon={RefreshCw} onClick={onRenew}>
          {t("publish.renew")}
        </Button>
      </div>
      {ends && <p className="mt-2 text-sm text-muted">{ends}</p>}
      {HERE_ONLY.includes(window.location.hostname) && (
        <p className="mt-3 flex gap-2 rounded-md bg-warn-soft px-3 py-2 text-sm text-warn">
          <TriangleAlert size={16} className="mt-0.5 shrink-0" aria-hidden />
          <span>{t("publish.hereOnly")}</span>
        </p>
      )}
    </>
  );
}
