/** The rooms of the side navigation. A room stands here once it exists. */

import { AppWindow, BookOpen, House, Inbox, MessagesSquare, Settings, Waypoints, Wrench } from "lucide-react";

export const ROOMS = [
  { to: "/", label: "nav.home", icon: House, shortcut: "g h" },
  { to: "/chat", label: "nav.chat", icon: MessagesSquare, shortcut: "g c" },
  { to: "/inbox", label: "nav.inbox", icon: Inbox, shortcut: "g i" },
  { to: "/apps", label: "nav.apps", icon: AppWindow, shortcut: "g a" },
  { to: "/knowledge", label: "nav.knowledge", icon: BookOpen, shortcut: "g k" },
  { to: "/tools", label: "nav.tools", icon: Wrench, shortcut: "g t", needs: "editor" },
  { to: "/models", label: "nav.models", icon: Waypoints, shortcut: "g m", needs: "editor" },
  { to: "/settings", label: "nav.settings", icon: Settings, shortcut: "g s", needs: "admin" },
] as const;
