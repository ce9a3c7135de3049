import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { type App, api } from "@/api/client";
import { apps, contentsOf, keys, sites } from "@/api/queries";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { toast } from "@/ui/Toasts";

interface LoseAppProps {
  app: App | null;
  onClose: () => void;
  onLost?: () => void;
}

/** Asks before an app is deleted, and says how much goes with it. */
export function LoseApp({ app, onClose, onLost }: LoseAppProps) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const { data: contents } = useQuery({ ...contentsOf(app?.id ?? ""), enabled: app !== null });
  const { data: pages } = useQuery(sites);
  const isPublic = pages?.some((site) => site.app_id === app?.id && site.is_on) ?? false;
  const lose = useMutation({
    mutationFn: (one: string) => api.DELETE("/apps/{app}", { params: { path: { app: one } } }),
    onSuccess: async () => {
      toast(t("apps.deleted", { name: app?.name ?? "" }));
      onClose();
      onLost?.();
      await Promise.all([apps, sites, keys].map(({ queryKey }) => client.invalidateQueries({ queryKey, exact: true })));
    },
  });
  return (
    <ConfirmChange
      open={app !== null}
      onClose={onClose}
      onConfirm={() => app && lose.mutate(app.id)}
      change={lose}
      title={t("apps.delete", { name: app?.name ?? "" })}
      text={t("apps.deleteText")}
      confirmLabel={t("common.delete")}
    >
      {contents && (
        <ul className="mt-3 list-disc pl-5 text-base">
          <li>{t("apps.goes.conversations", { count: contents.conversations })}</li>
          {contents.files > 0 && <li>{t("apps.goes.files", { count: contents.files })}</li>}
          {contents.keys > 0 && <li>{t("apps.goes.keys", { count: contents.keys })}</li>}
          {isPublic && <li>{t("apps.goes.page")}</li>}
        </ul>
      )}
    </ConfirmChange>
  );
}
