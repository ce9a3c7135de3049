import { Users } from "lucide-react";

import { Badge } from "@/ui/Badge";

/** The groups that something names; nothing where it names none. */
export function GroupBadges({ groups }: { groups: readonly string[] }) {
  if (groups.length === 0) return null;
  return (
    <span className="mt-1 flex flex-wrap gap-1">
      {groups.map((group) => (
        <Badge key={group} icon={Users}>
          {group}
        </Badge>
      ))}
    </span>
  );
}
