/** The app an address names, by id or name. */

import { useQuery } from "@tanstack/react-query";

import type { App } from "@/api/client";
import { apps } from "@/api/queries";

interface Named {
  /** undefined while it loads; null when there is no such app. */
  readonly app: App | null | undefined;
  readonly error: Error | null;
  readonly retry: () => void;
}

export function useApp(named: string): Named {
  const { data, error, refetch } = useQuery(apps);
  const found = data?.find(({ id, name }) => id === named || name === named);
  return { app: data ? (found ?? null) : undefined, error, retry: () => void refetch() };
}
