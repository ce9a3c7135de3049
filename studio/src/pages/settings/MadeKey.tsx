import { useState } from "react";
import { useTranslation } from "react-i18next";

import type { KeyKind } from "@/api/client";
import { type Snippet, snippetsOf } from "@/pages/settings/snippets";
import { Button } from "@/ui/Button";
import { Copy } from "@/ui/Copy";
import { DialogActions } from "@/ui/Dialog";

interface MadeKeyProps {
  kind: KeyKind;
  token: string;
  onClose: () => void;
}

/** The key itself, shown this once, and how a program uses it. */
export function MadeKey({ kind, token, onClose }: MadeKeyProps) {
  const { t } = useTranslation();
  const snippets = snippetsOf(kind, token, window.location.origin, t("keys.question"));
  const [shown, setShown] = useState<Snippet["id"]>("curl");
  const snippet = snippets.find(({ id }) => id === shown);
  return (
    <>
      <p className="mb-3 rounded-md bg-warn-soft px-3 py-2 text-warn">{t("keys.once")}</p>
      <div className="flex items-center gap-2 rounded-md border border-line bg-sunken py-1.5 pr-1.5 pl-3">
        <code className="grow font-mono text-sm break-all">{token}</code>
        <Copy text={token} label={t("keys.copy")} doneLabel={t("common.copied")} />
      </div>
      {snippet && (
        <section className="mt-5">
          <div className="mb-1.5 flex flex-wrap items-center gap-1.5">
            <h3 className="grow font-medium">{t("keys.use")}</h3>
            {snippets.length > 1 &&
              snippets.map(({ id, label }) => (
                <Button
                  key={id}
                  size="small"
                  kind={id === shown ? "secondary" : "quiet"}
                  aria-pressed={id === shown}
                  onClick={() => setShown(id)}
                >
                  {label}
                </Button>
              ))}
          </div>
          <div className="flex items-start gap-2 rounded-md border border-line bg-sunken py-2 pr-2 pl-3">
            <pre tabIndex={0} className="scroll-quiet min-w-0 grow overflow-x-auto font-mono text-sm">
              {snippet.text}
            </pre>
            <Copy text={snippet.text} label={t("keys.copyLines")} doneLabel={t("common.copied")} />
          </div>
        </section>
      )}
      <DialogActions>
        <Button kind="primary" onClick={onClose}>
          {t("keys.kept")}
        </Button>
      </DialogActions>
    </>
  );
}
