/** Seconds that the server asked to wait, counted down. */

import { useEffect, useState } from "react";

import { ApiError } from "@/api/errors";

export function useWait(error: unknown): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    setLeft(error instanceof ApiError ? error.waitSeconds : 0);
  }, [error]);
  useEffect(() => {
    if (left <= 0) return;
    const timer = setTimeout(() => setLeft(left - 1), 1_000);
    return () => clearTimeout(timer);
  }, [left]);
  return left;
}
