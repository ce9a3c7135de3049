/** Who asks, as far as the server knows: a random token, kept by this browser for this page alone.

    Not a cookie. Within a frame on another site a cookie would need SameSite=None, Secure and Partitioned, so https even
    on an intranet, and it would ride on every request that any site makes to this server. Storage is shut off by site in
    every browser as a partitioned cookie is, works without https, and the token leaves only in a header that no form and
    no link of another site can send. Where storage is forbidden the token lives as long as the window. */

const PLACE = "llmflow.visitor.";
const BYTES = 32;

export function visitorOf(code: string, storage: () => Storage = () => localStorage): string {
  try {
    const kept = storage().getItem(PLACE + code);
    if (kept && /^[A-Za-z0-9_-]{43}$/.test(kept)) return kept;
    const made = newToken();
    storage().setItem(PLACE + code, made);
    return made;
  } catch {
    return newToken();
  }
}

/** 256 random bits in letters that are safe in an address. */
function newToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(BYTES));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

const OPEN = "llmflow.open.";

/** The conversation this browser had open last. */
export function lastOpen(code: string): string | null {
  try {
    return localStorage.getItem(OPEN + code);
  } catch {
    return null;
  }
}

export function rememberOpen(code: string, conversation: string | null): void {
  try {
    if (conversation === null) localStorage.removeItem(OPEN + code);
    else localStorage.setItem(OPEN + code, conversation);
  } catch {
    // without storage a reload begins anew
  }
}
