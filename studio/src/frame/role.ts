/** What the role of whoever is signed in allows; the server decides, Studio only hides what it would refuse. */

import { useQuery } from "@tanstack/react-query";

import type { Role } from "@/api/client";
import { session } from "@/api/queries";

const ORDER: readonly Role[] = ["owner", "admin", "editor", "member"];

export const reaches = (role: Role, needs: Role): boolean => ORDER.indexOf(role) <= ORDER.indexOf(needs);

/** A question about this account's role; nothing is allowed before it is known. */
export function useMay(): (needs: Role) => boolean {
  const { data } = useQuery(session);
  return (needs) => data !== undefined && reaches(data.role, needs);
}
