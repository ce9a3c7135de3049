/** A credential as a form holds it, and as it is sent. */

import type { CollectionShown, Preview, ShownCredential } from "@/api/client";

export const KINDS = ["none", "api_key", "bearer", "basic"] as const;
export const PLACES = ["header", "query", "cookie"] as const;

export interface Credential {
  readonly kind: (typeof KINDS)[number];
  readonly name: string;
  readonly where: (typeof PLACES)[number];
  readonly user: string;
  readonly secret: string;
}

/** What the document says its server wants, or what a collection has; the secret is never known. */
export function credentialOf(shown: (CollectionShown | Preview)["credential"]): Credential {
  return {
    kind: KINDS.find((kind) => kind === shown.kind) ?? "none",
    name: shown.name,
    where: PLACES.find((place) => place === shown.where) ?? "header",
    user: "",
    secret: "",
  };
}

/** `keeps`: a field left empty means the secret that is kept. */
export const sent = ({ secret, ...rest }: Credential, keeps: boolean): ShownCredential => ({
  ...rest,
  secret: secret || (keeps ? null : ""),
});
