/** Where a conversation is read while it grows. */

import { useCallback, useEffect, useRef, useState } from "react";

const NEAR_PX = 120;
const ABOVE_PX = 16; // left free over a question

/** Holds the list of what was `said` at the end of what is being written, at the last question of what was written
    before, and wherever the reader scrolls. What stands before anything was said is read from its top. */
export function useReadingPlace(said: boolean, isBusy: boolean) {
  const box = useRef<HTMLDivElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const held = useRef<"question" | "end" | null>("question");
  const [isAway, setAway] = useState(false);
  const hold = useCallback(() => {
    const found = box.current;
    if (!found || !list.current || held.current === null) return;
    found.scrollTo({ top: held.current === "end" ? found.scrollHeight : questionTop(found, list.current) });
    setAway(!isNearEnd(found));
  }, []);
  const toEnd = useCallback(() => {
    held.current = "end";
    hold();
  }, [hold]);
  useEffect(() => {
    if (!said) return;
    if (isBusy && held.current === "question") held.current = "end";
    hold();
  }, [said, isBusy, hold]);
  useEffect(() => {
    const found = box.current;
    const grows = list.current;
    if (!said || !found || !grows) return;
    const look = () => {
      const isNear = isNearEnd(found);
      setAway(!isNear);
      if (held.current === "question" && Math.abs(found.scrollTop - questionTop(found, grows)) < 2) return; // our own
      held.current = isNear ? "end" : null;
    };
    const sizes = new ResizeObserver(hold);
    sizes.observe(grows);
    found.addEventListener("scroll", look, { passive: true });
    return () => {
      sizes.disconnect();
      found.removeEventListener("scroll", look);
    };
  }, [said, hold]);
  return { box, list, isAway, toEnd };
}

const isNearEnd = (box: HTMLElement): boolean => box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;

/** How far to scroll for the last question to stand at the top; less where its answer ends above the foot. */
function questionTop(box: HTMLElement, list: HTMLElement): number {
  const last = list.lastElementChild;
  if (!last) return 0;
  const top = box.scrollTop + last.getBoundingClientRect().top - box.getBoundingClientRect().top - ABOVE_PX;
  return Math.max(0, Math.min(top, box.scrollHeight - box.clientHeight));
}
