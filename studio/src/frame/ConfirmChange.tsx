import type { ComponentProps } from "react";
import { useTranslation } from "react-i18next";

import { ErrorPanel } from "@/frame/ErrorPanel";
import { Confirm } from "@/ui/Dialog";

interface ConfirmChangeProps extends Omit<ComponentProps<typeof Confirm>, "busy" | "cancelLabel"> {
  /** What is done when it is confirmed. */
  change: { readonly isPending: boolean; readonly error: unknown; reset: () => void };
}

/** Asks before something is lost on the server, and says why it could not be done; the next one begins without that. */
export function ConfirmChange({ change, onClose, children, ...rest }: ConfirmChangeProps) {
  const { t } = useTranslation();
  const close = () => {
    if (change.error) change.reset();
    onClose();
  };
  return (
    <Confirm {...rest} onClose={close} busy={change.isPending} cancelLabel={t("common.cancel")}>
      {children}
      {change.error ? (
        <div className="mt-4">
          <ErrorPanel error={change.error} />
        </div>
      ) : null}
    </Confirm>
  );
}
