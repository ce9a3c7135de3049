/** The rooms of the side navigation. A room stands here once it exists. */

import { BookOpen, House, MessagesSquare, Settings } from "lucide-react";

export const ROOMS = [
  { to: "/", label: "nav.home", icon: House, shortcut: "g h" },
  { to: "/chat", label: "nav.chat", icon: MessagesSquare, shortcut: "g c" },
  { to: "/knowledge", label: "nav.knowledge", icon: BookOpen, shortcut: "g k" },
  { to: "/settings", label: "nav.settings", icon: Settings, shortcut: "g s" },
] as const;
