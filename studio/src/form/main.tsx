/** A form by its link: for whoever shall answer, without an account. It shares its parts with Studio and none of its rooms. */

import "@/styles.css";

import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { queryClient } from "@/api/queries";
import { FormPage } from "@/form/FormPage";
import { applyPreferences, beginWith } from "@/frame/preferences";
import { learn } from "@/i18n";
import { SpokenFields } from "@/i18n/SpokenFields";

const { pathname, searchParams } = new URL(window.location.href);
const language = searchParams.get("lang");
if (language === "ko" || language === "en") beginWith({ language });

const root = document.getElementById("root");
if (root) {
  void Promise.all([learn("form"), applyPreferences()]).then(() =>
    createRoot(root).render(
      <StrictMode>
        <CSPProvider disableStyleElements>
          <QueryClientProvider client={queryClient}>
            <SpokenFields>
              <FormPage token={decodeURIComponent(pathname.split("/")[2] ?? "")} />
            </SpokenFields>
          </QueryClientProvider>
        </CSPProvider>
      </StrictMode>,
    ),
  );
}
