/** The roles, as they may be chosen. */

import { useTranslation } from "react-i18next";

import type { Role } from "@/api/client";
import { reaches } from "@/frame/role";
import type { Choice } from "@/ui/Select";

export const ROLES = ["owner", "admin", "editor", "member"] as const satisfies readonly Role[];

/** Roles that somebody of role `by` may give: none above their own. */
export function useRoleChoices(by: Role): Choice<Role>[] {
  const { t } = useTranslation();
  return ROLES.filter((role) => reaches(by, role)).map((role) => ({
    value: role,
    label: t(`members.${role}`),
    hint: t(`members.roleText.${role}`),
  }));
}
