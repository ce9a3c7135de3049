/** The public page of an app: the chat alone, for strangers. It shares its parts with Studio and none of its rooms. */

import "@/styles.css";

import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { alwaysSend } from "@/api/client";
import { queryClient } from "@/api/queries";
import { applyPreferences, beginWith } from "@/frame/preferences";
import { learn } from "@/i18n";
import { SpokenFields } from "@/i18n/SpokenFields";
import { PublicPage } from "@/page/PublicPage";
import { placeOf } from "@/page/place";
import { visitorOf } from "@/page/visitor";

const place = placeOf(window.location.href);
if (place.language) beginWith({ language: place.language });
alwaysSend("X-Visitor", visitorOf(place.code));

const root = document.getElementById("root");
if (root) {
  void Promise.all([learn("page"), applyPreferences()]).then(() =>
    createRoot(root).render(
      <StrictMode>
        <CSPProvider disableStyleElements>
          <QueryClientProvider client={queryClient}>
            <SpokenFields>
              <PublicPage place={place} />
            </SpokenFields>
          </QueryClientProvider>
        </CSPProvider>
      </StrictMode>,
    ),
  );
}
