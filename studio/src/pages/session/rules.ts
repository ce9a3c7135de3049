/** The rules for passwords that can be told while one is typed: those of organs/identity/local.py, but its list of the
    passwords that everybody tries first. */

export const LEAST = 10;

export type Rule = "long" | "varied" | "own";

const letters = (password: string): string[] => [...password];

export const RULES: Readonly<Record<Rule, (password: string, email: string) => boolean>> = {
  long: (password) => letters(password).length >= LEAST,
  varied: (password) => new Set(letters(password.trim().toLowerCase())).size >= 3,
  own: (password, email) => {
    const typed = password.trim().toLowerCase();
    const address = email.trim().toLowerCase();
    return typed !== address && typed !== address.split("@")[0];
  },
};

export const keepsRules = (password: string, email: string): boolean =>
  Object.values(RULES).every((kept) => kept(password, email));
