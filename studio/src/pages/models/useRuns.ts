import { useCallback, useEffect, useRef, useState } from "react";

import { type Request, type Run, BEGUN, askModel } from "@/pages/models/ask";

const SHOW_MS = 60;

/** Answers under way and over, by column. What streams in is shown some times a second, however many pieces come. */
export function useRuns() {
  const [shown, setShown] = useState<ReadonlyMap<string, Run>>(new Map());
  const now = useRef(new Map<string, Run>());
  const asking = useRef(new Map<string, AbortController>());
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const show = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      setShown(new Map(now.current));
    }, SHOW_MS);
  }, []);
  const stop = useCallback((column?: string) => {
    for (const [name, one] of asking.current) if (column === undefined || name === column) one.abort();
  }, []);
  const forget = useCallback(
    (column: string) => {
      stop(column);
      asking.current.delete(column);
      now.current.delete(column);
      show();
    },
    [stop, show],
  );
  const ask = useCallback(
    (column: string, request: Request) => {
      asking.current.get(column)?.abort();
      const mine = new AbortController();
      asking.current.set(column, mine);
      now.current.set(column, BEGUN);
      show();
      void askModel(request, mine.signal, (run) => {
        if (asking.current.get(column) !== mine) return; // asked anew since
        now.current.set(column, run);
        show();
      });
    },
    [show],
  );
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      for (const one of asking.current.values()) one.abort();
    },
    [],
  );
  return { runs: shown, ask, stop, forget };
}
