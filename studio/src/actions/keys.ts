/** Keyboard: what a press means, and shortcuts. */

import { useEffect } from "react";

import { offered } from "@/actions/action";

interface Press {
  readonly key: string;
  readonly keyCode: number;
  readonly isComposing?: boolean;
  readonly nativeEvent?: { readonly isComposing: boolean };
}

/** An input method is composing: this press belongs to it. Safari ends composing before the press and leaves 229. */
export function composing(press: Press): boolean {
  return press.isComposing === true || press.nativeEvent?.isComposing === true || press.keyCode === 229;
}

/** Enter that sends: not while composing, not with Shift (a new line). */
export function sends(press: Press & { readonly shiftKey: boolean }): boolean {
  return press.key === "Enter" && !press.shiftKey && !composing(press);
}

const SEQUENCE_MS = 900;

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

/** A press as shortcuts write it: "mod+k", "shift+?", "g". The physical key stands in where a Korean layout types 한글. */
export function pressed(event: KeyboardEvent): string {
  const latin = /^[\x21-\x7e]$/.test(event.key);
  const key = latin || !event.code.startsWith("Key") ? event.key.toLowerCase() : event.code.slice(3).toLowerCase();
  return [event.ctrlKey || event.metaKey ? "mod" : "", event.shiftKey ? "shift" : "", key].filter(Boolean).join("+");
}

/** Listens for the shortcuts of every offered action. Plain letters count only where nobody is typing. */
export function useShortcuts(): void {
  useEffect(() => {
    let before = "";
    let at = 0;
    const listen = (event: KeyboardEvent) => {
      if (event.isComposing || event.altKey || event.defaultPrevented) return;
      const now = pressed(event);
      const plain = !now.startsWith("mod+");
      if (plain && (isTyping(event.target) || document.querySelector('[role="dialog"], [role="alertdialog"]'))) return;
      const sequence = event.timeStamp - at < SEQUENCE_MS ? `${before} ${now}` : now;
      const found =
        offered().find((action) => action.shortcut === sequence) ?? offered().find((action) => action.shortcut === now);
      before = now;
      at = event.timeStamp;
      if (!found) return;
      event.preventDefault();
      before = "";
      found.run();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
}
