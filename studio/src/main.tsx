import "@/styles.css";

import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { useTranslation } from "react-i18next";

import { onUnauthorized } from "@/api/client";
import { queryClient } from "@/api/queries";
import { applyPreferences } from "@/frame/preferences";
import { learn } from "@/i18n";
import { SpokenFields } from "@/i18n/SpokenFields";
import { forgetThreads } from "@/pages/chat/threads";
import { router } from "@/router";
import { Toasts } from "@/ui/Toasts";

/** The session ended while a page was open: to the sign-in, and back here after it. */
onUnauthorized(() => {
  if (router.state.location.pathname === "/sign-in") return;
  queryClient.clear();
  forgetThreads(); // somebody else may sign in next
  void router.navigate({ to: "/sign-in", search: { next: router.state.location.href } });
});

function Studio() {
  const { t } = useTranslation();
  return (
    <SpokenFields>
      <RouterProvider router={router} />
      <Toasts label={t("frame.messages")} closeLabel={t("common.close")} />
    </SpokenFields>
  );
}

const root = document.getElementById("root");
if (root) {
  // not `await`: a module that waits keeps the build from joining what all entries share
  void Promise.all([learn("studio"), applyPreferences()]).then(() =>
    createRoot(root).render(
      <StrictMode>
        <CSPProvider disableStyleElements>
          <QueryClientProvider client={queryClient}>
            <Studio />
          </QueryClientProvider>
        </CSPProvider>
      </StrictMode>,
    ),
  );
}
