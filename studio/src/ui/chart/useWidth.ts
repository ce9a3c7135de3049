import { type RefObject, useLayoutEffect, useRef, useState } from "react";

/** A box and how wide it is now, in px; `start` before it is measured. */
export function useWidth<Box extends HTMLElement>(start: number): [RefObject<Box | null>, number] {
  const box = useRef<Box>(null);
  const [width, setWidth] = useState(start);
  useLayoutEffect(() => {
    const one = box.current;
    if (!one) return;
    const measure = () => setWidth(Math.max(1, Math.floor(one.clientWidth)));
    measure();
    const watch = new ResizeObserver(measure);
    watch.observe(one);
    return () => watch.disconnect();
  }, []);
  return [box, width];
}
