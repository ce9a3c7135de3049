import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { api, body } from "@/api/client";
import type { components } from "@/api/schema";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupsField } from "@/frame/GroupsField";
import { Button } from "@/ui/Button";
import { Dialog, DialogActions } from "@/ui/Dialog";
import { Segments } from "@/ui/Segments";
import { toast } from "@/ui/Toasts";

export interface Opening {
  readonly choice: components["schemas"]["Chosen"];
  readonly count: number;
}

interface OpenDocumentsProps {
  base: string;
  opening: Opening | null;
  onClose: () => void;
  onOpened: () => void;
}

/** Who may see many documents at once. */
export function OpenDocuments({ base, opening, onClose, onOpened }: OpenDocumentsProps) {
  const { t } = useTranslation();
  const title = t("access.openTitle", { count: opening?.count ?? 0 });
  return (
    <Dialog open={opening !== null} onClose={onClose} title={title} hint={t("access.openText")} closeLabel={t("common.close")}>
      {opening && <Form base={base} opening={opening} onClose={onClose} onOpened={onOpened} />}
    </Dialog>
  );
}

const WAYS = ["base", "own"] as const;

function Form({ base, opening, onClose, onOpened }: OpenDocumentsProps & { opening: Opening }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [way, setWay] = useState<(typeof WAYS)[number]>("own");
  const [groups, setGroups] = useState<readonly string[]>([]);
  const save = useMutation({
    mutationFn: () =>
      body(
        api.POST("/knowledge/{base}/open", {
          params: { path: { base } },
          body: { ...opening.choice, groups: way === "base" ? [] : [...groups] },
        }),
      ),
    onSuccess: async ({ count }) => {
      toast(t("access.opened", { count }));
      onOpened();
      onClose();
      await client.invalidateQueries({ queryKey: ["knowledge"] });
    },
  });
  return (
    <form
      className="flex flex-col gap-4"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate();
      }}
    >
      {save.error && <ErrorPanel error={save.error} />}
      <div>
        <Segments label={t("access.who")} value={way} choices={WAYS.map((value) => ({ value, label: t(`access.open.${value}`) }))} onChange={setWay} />
      </div>
      {way === "own" ? (
        <GroupsField label={t("access.groups")} hint={t("groups.howTo")} values={groups} onChange={setGroups} />
      ) : (
        <p className="text-muted">{t("access.openBaseText")}</p>
      )}
      <DialogActions>
        <Button onClick={onClose}>{t("common.cancel")}</Button>
        <Button type="submit" kind="primary" busy={save.isPending} disabled={way === "own" && groups.length === 0}>
          {t("common.save")}
        </Button>
      </DialogActions>
    </form>
  );
}
