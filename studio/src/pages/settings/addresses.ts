/** Addresses of model servers: usual ones to start from, and what to call one. */

export const USUAL = [
  { name: "Ollama", url: "http://127.0.0.1:11434/v1" },
  { name: "vLLM", url: "http://127.0.0.1:8000/v1" },
  { name: "LM Studio", url: "http://127.0.0.1:1234/v1" },
  { name: "llama.cpp", url: "http://127.0.0.1:8080/v1" },
  { name: "OpenAI", url: "https://api.openai.com/v1" },
] as const;

function parsed(url: string): URL | null {
  try {
    return new URL(url);
  } catch {
    return null;
  }
}

/** The same server, whichever way it is written. */
export function sameAddress(one: string, other: string): boolean {
  const [first, second] = [parsed(one), parsed(other)];
  const host = (url: URL) => url.host.replace(/^localhost(?=:|$)/, "127.0.0.1");
  return first !== null && second !== null && host(first) === host(second);
}

/** A name for an address that has none: what usually listens there, else its host. */
export function nameOf(url: string): string {
  const known = USUAL.find((one) => sameAddress(one.url, url));
  return known?.name ?? parsed(url)?.hostname ?? "";
}
