import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Globe, type LucideIcon, Users } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";

import { type BaseAccess, groups as groupsThere } from "@/api/access";
import { api, body } from "@/api/client";
import { session } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { ErrorPanel } from "@/frame/ErrorPanel";
import { GroupsField } from "@/frame/GroupsField";
import { useMay } from "@/frame/role";
import { Button } from "@/ui/Button";
import { Panel } from "@/ui/Panel";
import { toast } from "@/ui/Toasts";
import { cx } from "@/ui/classes";

/** Whom a base is open to: everybody in the workspace, or groups. It holds at once. */
export function WhoSees({ base, access }: { base: string; access: BaseAccess }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay();
  const { data: me } = useQuery(session);
  const [isOpen, setOpen] = useState(access.groups.length === 0);
  const [groups, setGroups] = useState<readonly string[]>(access.groups);
  const [sure, setSure] = useState(false);
  const wanted = isOpen ? [] : [...groups];
  const save = useMutation({
    mutationFn: () => body(api.PUT("/knowledge/{base}/groups", { params: { path: { base } }, body: { groups: wanted } })),
    onSuccess: async () => {
      toast(t("access.saved"));
      setSure(false);
      await client.invalidateQueries({ queryKey: ["knowledge"] });
      await client.invalidateQueries({ queryKey: groupsThere.queryKey });
    },
  });
  const isChanged = wanted.join("\n") !== access.groups.join("\n");
  const locksOut = !may("admin") && wanted.length > 0 && !wanted.some((group) => me?.groups.includes(group));
  return (
    <Panel title={t("access.who")} hint={t("access.whoText")}>
      <form
        className="flex max-w-2xl flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault();
          if (locksOut) setSure(true);
          else save.mutate();
        }}
      >
        {save.error && !sure && <ErrorPanel error={save.error} />}
        <div role="radiogroup" aria-label={t("access.who")} className="grid gap-2 sm:grid-cols-2">
          <Way icon={Globe} label={t("access.everyone")} text={t("access.everyoneText")} isChosen={isOpen} onChoose={() => setOpen(true)} />
          <Way icon={Users} label={t("access.some")} text={t("access.someText")} isChosen={!isOpen} onChoose={() => setOpen(false)} />
        </div>
        {!isOpen && <GroupsField label={t("access.groups")} hint={t("groups.howTo")} values={groups} onChange={setGroups} />}
        <div className="flex flex-wrap items-center gap-3">
          <Button type="submit" kind="primary" busy={save.isPending} disabled={!isChanged || (!isOpen && groups.length === 0)}>
            {t("common.save")}
          </Button>
          {access.own > 0 && <p className="min-w-0 grow basis-56 text-sm text-muted">{t("access.own", { count: access.own })}</p>}
        </div>
      </form>
      <ConfirmChange
        open={sure}
        onClose={() => setSure(false)}
        onConfirm={() => save.mutate()}
        change={save}
        title={t("access.lockOut")}
        text={t("access.lockOutText")}
        confirmLabel={t("access.lockOutNow")}
      />
    </Panel>
  );
}

interface WayProps {
  icon: LucideIcon;
  label: string;
  text: string;
  isChosen: boolean;
  onChoose: () => void;
}

function Way({ icon: Icon, label, text, isChosen, onChoose }: WayProps) {
  return (
    <label
      className={cx(
        "relative flex cursor-pointer gap-3 rounded-lg border p-3 has-focus-visible:outline-2 has-focus-visible:outline-accent",
        isChosen ? "border-accent bg-accent-soft" : "border-line hover:bg-hover",
      )}
    >
      <input type="radio" name="who" checked={isChosen} onChange={onChoose} className="absolute inset-0 cursor-pointer opacity-0" />
      <Icon size={18} aria-hidden className={cx("mt-0.5 shrink-0", isChosen ? "text-accent-ink" : "text-muted")} />
      <span className="min-w-0">
        <span className="block font-medium">{label}</span>
        <span className="block text-sm text-muted">{text}</span>
      </span>
    </label>
  );
}
