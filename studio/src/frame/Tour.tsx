import { Popover } from "@base-ui/react/popover";
import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";

import { STEPS, tour, useTourStep } from "@/frame/tour";
import { Button } from "@/ui/Button";

/** What a step points at; on a phone the rooms are behind the menu's button. */
function anchorOf(step: (typeof STEPS)[number]): HTMLElement | null {
  const all = document.querySelectorAll<HTMLElement>(`[data-tour~="${step}"]`);
  return [...all].find((one) => one.offsetParent !== null && one.getClientRects().length > 0) ?? null;
}

/** The open step of the tour, beside what it is about. Esc leaves; arrow keys go back and forth. */
export function Tour() {
  const { t } = useTranslation();
  const index = useTourStep() ?? 0;
  const step = STEPS[index] ?? STEPS[0];
  const anchor = useMemo(() => anchorOf(step), [step]);
  const next = useRef<HTMLButtonElement>(null);
  const last = index === STEPS.length - 1;
  useEffect(() => {
    anchor?.setAttribute("data-tour-now", "");
    anchor?.scrollIntoView?.({ block: "nearest" });
    next.current?.focus();
    return () => anchor?.removeAttribute("data-tour-now");
  }, [anchor]);
  return (
    <Popover.Root open onOpenChange={(open, { reason }) => !open && reason === "escape-key" && tour.leave()}>
      <Popover.Portal>
        <Popover.Positioner
          anchor={anchor ?? document.body}
          side={step === "demo" || !anchor ? "bottom" : "right"}
          align="start"
          sideOffset={12}
          collisionPadding={12}
          collisionAvoidance={{ side: "flip", fallbackAxisSide: "end" }}
          className="z-50"
        >
          <Popover.Popup
            initialFocus={next}
            onKeyDown={(event) => {
              if (event.key === "ArrowRight") tour.go(index + 1);
              if (event.key === "ArrowLeft" && index > 0) tour.go(index - 1);
            }}
            className="popup w-80 max-w-[calc(100vw-1.5rem)] border-accent p-4 outline-none"
          >
            <p className="text-sm text-muted">{t("tour.step", { step: index + 1, count: STEPS.length })}</p>
            <Popover.Title className="mt-0.5 text-md font-semibold">{t(`tour.title.${step}`)}</Popover.Title>
            <Popover.Description className="mt-1">{t(`tour.text.${step}`)}</Popover.Description>
            <div className="mt-3 flex gap-1" aria-hidden>
              {STEPS.map((one, place) => (
                <span key={one} className={`h-1 grow rounded-full ${place <= index ? "bg-accent" : "bg-line"}`} />
              ))}
            </div>
            <div className="mt-3 flex flex-wrap items-center gap-2">
              <Button kind="quiet" size="small" onClick={() => tour.leave()} className="mr-auto -ml-2.5">
                {t("tour.skip")}
              </Button>
              {index > 0 && (
                <Button size="small" onClick={() => tour.go(index - 1)}>
                  {t("tour.back")}
                </Button>
              )}
              <Button ref={next} kind="primary" size="small" onClick={() => tour.go(index + 1)}>
                {last ? t("tour.finish") : t("tour.next")}
              </Button>
            </div>
          </Popover.Popup>
        </Popover.Positioner>
      </Popover.Portal>
    </Popover.Root>
  );
}
