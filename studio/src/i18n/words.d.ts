/** The words of an entry alone, as the build cuts them out. */
declare module "*.json?only=page" {
  const words: Partial<typeof import("@/i18n/en.json")>;
  export default words;
}
declare module "*.json?only=form" {
  const words: Partial<typeof import("@/i18n/en.json")>;
  export default words;
}
