import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { TFunction } from "i18next";
import { FileUp } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";

import { type ImportedApp, api, body } from "@/api/client";
import { apps, bases } from "@/api/queries";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { i18n } from "@/i18n";
import { Badge } from "@/ui/Badge";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";

interface ImportPipelineProps {
  open: boolean;
  onClose: () => void;
}

/** A knowledge base from a file of Dify's, with the pipeline that reads its documents. */
export function ImportPipeline({ open, onClose }: ImportPipelineProps) {
  const { t } = useTranslation();
  return (
    <Dialog open={open} onClose={onClose} title={t("pipeline.import")} hint={t("pipeline.importText")} closeLabel={t("common.close")} wide>
      <Form onClose={onClose} />
    </Dialog>
  );
}

function Form({ onClose }: Pick<ImportPipelineProps, "onClose">) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const picker = useRef<HTMLInputElement>(null);
  const [file, setFile] = useState<File | null>(null);
  const take = useMutation({
    mutationFn: async (chosen: File) => {
      const document = await chosen.text();
      const wanted = { document, name: "", publish: true, map_datasets: {}, map_models: {} };
      return body(api.POST("/apps/import", { body: wanted }));
    },
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: bases.queryKey });
      await client.invalidateQueries({ queryKey: apps.queryKey });
    },
  });
  if (take.data) return <Made made={take.data} onClose={onClose} />;
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        if (file) take.mutate(file);
      }}
    >
      {take.error && <ErrorPanel error={take.error} />}
      <div>
        <input
          ref={picker}
          type="file"
          hidden
          accept=".yml,.yaml,.json"
          aria-label={t("pipeline.file")}
          onChange={(event) => setFile(event.target.files?.[0] ?? null)}
        />
        <Button icon={FileUp} onClick={() => picker.current?.click()}>
          {t("pipeline.choose")}
        </Button>
        <p className="mt-1.5 text-sm break-words text-muted">{file ? file.name : t("pipeline.fileHint")}</p>
      </div>
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={take.isPending} disabled={file === null}>
          {t("pipeline.take")}
        </Button>
      </DialogActions>
    </form>
  );
}

type Code = "search_differs"; // stands for any code that has words

const hasWords = (code: string): code is Code => i18n.exists(`pipeline.why.${code}`);

/** Why something is not as it was there, in the reader's language; in the server's own words where there are no others. */
function whyOf(t: TFunction, { codes, about, why }: ImportedApp["report"][number]): string {
  if (!codes.every(hasWords)) return why;
  return codes.map((code, index) => t(`pipeline.why.${code as Code}`, { name: about[index]?.name, of: about[index]?.of })).join(" ");
}

/** What of the file is different here, before one goes on to what was made. */
function Made({ made, onClose }: { made: ImportedApp; onClose: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const different = made.report.filter(({ status }) => status !== "exact");
  const open = () => {
    onClose();
    if (made.knowledge) void go({ to: "/knowledge/$base", params: { base: made.knowledge.id } });
    else void go({ to: "/apps/$app", params: { app: made.app_id } });
  };
  return (
    <div className="flex flex-col gap-4">
      <p role="status">{t("pipeline.made", { name: made.knowledge?.name ?? made.name })}</p>
      {different.length > 0 && (
        <ul aria-label={t("pipeline.different")} className="flex max-h-72 flex-col gap-3 overflow-y-auto">
          {different.map((one) => (
            <li key={`${one.node} ${one.type} ${one.title}`} className="text-base">
              <span className="flex flex-wrap items-center gap-2 font-medium">
                {one.title || one.type}
                <Badge tone={one.status === "unsupported" ? "bad" : "warn"}>{t(`pipeline.status.${one.status}`)}</Badge>
              </span>
              <span className="block text-sm text-muted">{whyOf(t, one)}</span>
            </li>
          ))}
        </ul>
      )}
      <DialogActions>
        <Button kind="primary" onClick={open}>
          {t("pipeline.open")}
        </Button>
      </DialogActions>
    </div>
  );
}
