/** What the build cuts out of `en.json` and `ko.json`: what Studio's frame, the public page and a form say, each by the name
    of its entry, and what a room of `pages/` says besides. */
declare module "virtual:words" {
  export type Part =
    | "studio"
    | "page"
    | "form"
    | "apps"
    | "chat"
    | "gallery"
    | "home"
    | "inbox"
    | "knowledge"
    | "models"
    | "session"
    | "settings"
    | "tools";
  type Words = Partial<typeof import("@/i18n/en.json")>;
  const parts: Readonly<Record<Part, Readonly<Record<"en" | "ko", () => Promise<{ default: Words }>>>>>;
  export default parts;
}
