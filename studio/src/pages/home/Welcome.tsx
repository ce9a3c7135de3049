import { useQuery } from "@tanstack/react-query";
import { Compass } from "lucide-react";
import { useTranslation } from "react-i18next";

import { preferences } from "@/api/queries";
import { tour, useTourStep } from "@/frame/tour";
import { Button } from "@/ui/Button";

/** Offers the tour to whoever never saw it, and to go on with it to whoever closed the page in its midst. */
export function Welcome() {
  const { t } = useTranslation();
  const { data } = useQuery(preferences);
  const touring = useTourStep() !== null;
  if (touring || !data || data.tour === "left" || data.tour === "done") return null;
  const begun = data.tour === "begun";
  return (
    <section
      aria-label={t("tour.welcome")}
      className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-3 rounded-lg border border-accent/30 bg-accent-soft px-4 py-3.5"
    >
      <Compass size={22} className="shrink-0 text-accent-ink" aria-hidden />
      <div className="min-w-0 grow basis-56">
        <h2 className="text-md font-semibold">{t("tour.welcome")}</h2>
        <p className="text-muted">{t("tour.welcomeText")}</p>
      </div>
      <div className="flex flex-wrap gap-2">
        <Button kind="quiet" onClick={() => tour.decline()}>
          {t("tour.notNow")}
        </Button>
        <Button kind="primary" onClick={() => tour.begin(begun ? (data.tour_step ?? 0) : 0)}>
          {begun ? t("tour.goOn") : t("tour.begin")}
        </Button>
      </div>
    </section>
  );
}
