import { useQuery } from "@tanstack/react-query";
import { Plus } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";

import { type Action, useActions } from "@/actions/action";
import type { ToolShown } from "@/api/client";
import { tools } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { useCrumbs } from "@/frame/crumbs";
import { useMay } from "@/frame/role";
import { AddCollection } from "@/pages/tools/AddCollection";
import { Collections } from "@/pages/tools/Collections";
import { ToolList } from "@/pages/tools/ToolList";
import { TryTool } from "@/pages/tools/TryTool";
import { Button } from "@/ui/Button";
import { Dialog } from "@/ui/Dialog";
import { Page } from "@/ui/Page";
import { PageHead } from "@/ui/Panel";

/** Tools: the OpenAPI documents that became some, all there are, and trying one. */
export function Tools() {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery(tools);
  const [adding, setAdding] = useState(false);
  const [trying, setTrying] = useState<ToolShown | null>(null);
  const may = useMay();
  useCrumbs({ label: t("nav.tools") });
  const add = useMemo(
    (): Action => ({
      id: "tools-add",
      label: t("tools.add"),
      group: t("nav.tools"),
      icon: Plus,
      shortcut: "c",
      run: () => setAdding(true),
    }),
    [t],
  );
  const mayAdd = may("admin");
  useActions(useMemo(() => (mayAdd ? [add] : []), [mayAdd, add]));
  return (
    <Page>
      <PageHead
        title={t("nav.tools")}
        hint={t("tools.text")}
        actions={
          mayAdd && (
            <Button kind="primary" icon={add.icon} onClick={add.run}>
              {add.label}
            </Button>
          )
        }
      />
      {error && <ErrorPanel error={error} onRetry={() => void refetch()} />}
      {!error && (
        <div className="flex flex-col gap-4">
          {may("editor") && <Collections onAdd={add.run} />}
          <ToolList tools={data} onTry={may("editor") ? setTrying : undefined} />
        </div>
      )}
      <Dialog
        open={adding}
        onClose={() => setAdding(false)}
        title={t("tools.add")}
        hint={t("tools.addText")}
        closeLabel={t("common.close")}
        wide
      >
        <AddCollection onClose={() => setAdding(false)} />
      </Dialog>
      <TryTool tool={trying} onClose={() => setTrying(null)} />
    </Page>
  );
}
