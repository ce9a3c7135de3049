/** Where this page stands: the code in its address, and the site around it when it is embedded. */

export interface Place {
  readonly code: string;
  /** The origin of the page around it, as the widget says; "" in a window of its own. Messages go to nobody else. */
  readonly around: string;
  readonly language: "ko" | "en" | undefined;
}

export function placeOf(address: string): Place {
  const { pathname, searchParams } = new URL(address);
  const code = decodeURIComponent(pathname.split("/")[2] ?? "");
  const origin = searchParams.get("origin") ?? "";
  const language = searchParams.get("lang");
  return {
    code,
    around: searchParams.get("embed") === "1" && /^https?:\/\/[^/\s]+$/.test(origin) ? origin : "",
    language: language === "ko" || language === "en" ? language : undefined,
  };
}

/** Tells the site around this page; who else may have framed it hears nothing. */
export function tellAround(place: Place, said: "ready" | "close"): void {
  if (place.around && window.parent !== window) window.parent.postMessage({ llmflow: said }, place.around);
}

/** Calls `run` when the site around this page has brought it to sight. */
export function onShown(place: Place, run: () => void): () => void {
  const hear = (event: MessageEvent<unknown>) => {
    if (event.source !== window.parent || event.origin !== place.around) return;
    if ((event.data as { llmflow?: unknown } | null)?.llmflow === "shown") run();
  };
  window.addEventListener("message", hear);
  return () => window.removeEventListener("message", hear);
}
