/** The one script tag: a button in a corner of any page, and above it an app's public page in a frame.

    <script src="https://your-llmflow/embed.js" data-app="CODE" async></script>

    data-position "right" or "left"; data-language "ko" or "en"; data-color "#0f6b5c"; data-open "true". The one global is
    `window.LLMFlow` {open, close, destroy}. Styles are set through the object model and a constructed sheet, so a page's
    policy needs to allow this server for script-src and frame-src alone. */

import { SHEET } from "./sheet";
import { WORDS } from "./words";

interface Widget {
  open: () => void;
  close: () => void;
  destroy: () => void;
}

declare global {
  interface Window {
    LLMFlow?: Widget;
  }
}

const READY_MS = 8_000;
const COLOUR = /^#[0-9a-f]{6}$/i;

function say(text: string): void {
  console.error(`LLMFlow: ${text}`);
}

export function embed(script: HTMLScriptElement, page: Window & typeof globalThis = window): Widget | undefined {
  const { app, position, language, color, open: startsOpen } = script.dataset;
  if (page.LLMFlow) return void say("embed.js is on this page twice; the second one does nothing.");
  if (!app || !/^[A-Za-z0-9]{1,64}$/.test(app)) return void say("the script tag needs data-app with the code of a published page.");
  const server = new URL(script.src).origin;
  const origin = page.location.origin;
  const tongue = (language ?? page.navigator.language).toLowerCase().startsWith("ko") ? "ko" : "en";
  const words = WORDS[tongue];
  const document = page.document;

  const host = document.createElement("div");
  const root = host.attachShadow({ mode: "open" });
  const sheet = new page.CSSStyleSheet();
  sheet.replaceSync(SHEET);
  root.adoptedStyleSheets = [sheet];
  if (position === "left") host.classList.add("left");
  if (color && COLOUR.test(color)) {
    host.style.setProperty("--llmflow-color", color);
    host.style.setProperty("--llmflow-ink", isLight(color) ? "#111" : "#fff");
  }
  const panel = document.createElement("div");
  panel.className = "panel";
  panel.hidden = true;
  panel.setAttribute("role", "dialog");
  panel.setAttribute("aria-label", words.title);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.append(icon(document));
  root.append(panel, button);

  let frame: HTMLIFrameElement | undefined;
  let isReady = false;
  let waiting: number | undefined;

  const name = () => {
    button.setAttribute("aria-label", panel.hidden ? words.open : words.close);
    button.setAttribute("aria-expanded", String(!panel.hidden));
    button.title = panel.hidden ? words.open : words.close;
  };

  const address = (extra: Record<string, string>) => {
    const found = new URL(`/p/${app}`, server);
    for (const [key, value] of Object.entries(extra)) found.searchParams.set(key, value);
    return found.href;
  };

  /** In place of a frame that cannot be: why, for whoever looks after the page, and the way that is left. */
  const refuse = (why: string) => {
    say(why);
    const note = document.createElement("div");
    note.className = "note";
    note.setAttribute("role", "status");
    const text = document.createElement("p");
    text.textContent = words.refused;
    const link = document.createElement("a");
    link.href = address({});
    link.target = "_blank";
    link.rel = "noopener";
    link.textContent = words.elsewhere;
    note.append(text, link);
    panel.replaceChildren(note);
    frame = undefined;
  };

  /** A frame that a policy refuses tells nobody, so the server is asked whether it would. */
  const examine = async () => {
    try {
      const asked = `${server}/api/public/v1/apps/${app}/embedding?origin=${encodeURIComponent(origin)}`;
      const answer = await fetch(asked, { credentials: "omit", referrerPolicy: "no-referrer" });
      if (answer.status === 404) return refuse("the code in data-app leads to no published page.");
      const { allowed } = (await answer.json()) as { allowed?: boolean };
      if (allowed === false) {
        refuse(`pages of ${origin} may not embed this app. Add exactly ${origin} to the sites under Publish in Studio.`);
      }
    } catch {
      // this page's own policy forbids the question, or nobody answers: the frame's silence will tell
    }
  };

  const show = (takesFocus: boolean) => {
    panel.hidden = false;
    name();
    if (!frame && !panel.hasChildNodes()) {
      frame = document.createElement("iframe");
      frame.title = words.title;
      frame.allow = "clipboard-write";
      frame.src = address({ embed: "1", origin, ...(language ? { lang: tongue } : {}) });
      panel.append(frame);
      waiting = page.setTimeout(() => {
        if (!isReady) refuse(`the frame from ${server} stays silent. Does this page's frame-src allow it, and does the server answer?`);
      }, READY_MS);
      void examine();
    }
    if (!takesFocus) return;
    if (frame) frame.focus();
    else panel.querySelector("a")?.focus();
    tell();
  };

  const tell = () => isReady && frame?.contentWindow?.postMessage({ llmflow: "shown" }, server);

  const widget: Widget = {
    open: () => show(true),
    close: () => {
      if (panel.hidden) return;
      panel.hidden = true;
      name();
      button.focus();
    },
    destroy: () => {
      page.clearTimeout(waiting);
      page.removeEventListener("message", hear);
      host.remove();
      delete page.LLMFlow;
    },
  };

  function hear(event: MessageEvent<unknown>): void {
    if (event.origin !== server || !frame || event.source !== frame.contentWindow) return;
    const said = (event.data as { llmflow?: unknown } | null)?.llmflow;
    if (said === "close") widget.close();
    else if (said === "ready") {
      isReady = true;
      page.clearTimeout(waiting);
      if (!panel.hidden && root.activeElement === frame) tell();
    }
  }

  button.addEventListener("click", () => (panel.hidden ? widget.open() : widget.close()));
  root.addEventListener("keydown", (event) => {
    if (event instanceof KeyboardEvent && event.key === "Escape" && !event.isComposing) widget.close();
  });
  page.addEventListener("message", hear);
  name();
  page.LLMFlow = widget;
  const attach = () => {
    document.body.append(host);
    if (startsOpen === "true") show(false);
  };
  if (document.body) attach();
  else document.addEventListener("DOMContentLoaded", attach, { once: true });
  return widget;
}

/** Whether dark ink reads better on it, by relative luminance. */
export function isLight(hex: string): boolean {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179;
}

function icon(document: Document): SVGSVGElement {
  const draw = (tag: string, attributes: Record<string, string>) => {
    const found = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [key, value] of Object.entries(attributes)) found.setAttribute(key, value);
    return found;
  };
  const line = { fill: "none", stroke: "currentColor", "stroke-width": "2", "stroke-linecap": "round", "stroke-linejoin": "round" };
  const svg = draw("svg", { viewBox: "0 0 24 24", width: "24", height: "24", "aria-hidden": "true" }) as SVGSVGElement;
  svg.append(
    draw("path", { ...line, class: "talk", d: "M21 12a8 8 0 0 1-11.6 7.1L4 20.5l1.4-5A8 8 0 1 1 21 12Z" }),
    draw("path", { ...line, class: "shut", d: "m6 9 6 6 6-6" }),
  );
  return svg;
}
