import { useTranslation } from "react-i18next";

import type { Route } from "@/pages/models/route";

/** What a picture does not show of a route, in one line. */
export function RouteMarks({ route }: { route: Route }) {
  const { t } = useTranslation();
  const { first_s, between_s } = route.timeouts;
  const marks = [
    t(`routes.strategyText.${route.strategy}`),
    route.sticky && t("routes.mark.sticky"),
    t("routes.mark.attempts", { count: route.attempts }),
    first_s > 0 && t("routes.mark.first", { seconds: first_s }),
    between_s > 0 && t("routes.mark.between", { seconds: between_s }),
    route.cache && t("routes.mark.cache", { seconds: route.cache.seconds, scope: t(`routes.scope.${route.cache.scope}`) }),
  ];
  return <>{marks.filter(Boolean).join(" · ")}</>;
}
