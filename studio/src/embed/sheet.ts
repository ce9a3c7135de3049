/** How the button and the panel look, shut off from the page they stand on. On a narrow screen the panel is a sheet. */
export const SHEET = `
:host {
  all: initial;
  position: fixed;
  right: 20px;
  bottom: 20px;
  z-index: 2147483000;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Malgun Gothic", "Noto Sans KR", sans-serif;
  color-scheme: light dark;
}
:host(.left) { right: auto; left: 20px; }
.button {
  display: flex;
  align-items: center;
  justify-content: center;
  width: 56px;
  height: 56px;
  padding: 0;
  border: 0;
  border-radius: 50%;
  cursor: pointer;
  color: var(--llmflow-ink, #fff);
  background: var(--llmflow-color, #0f6b5c);
  box-shadow: 0 2px 6px rgb(0 0 0 / 0.2), 0 8px 24px rgb(0 0 0 / 0.2);
  transition: transform 120ms;
}
.button:hover { transform: scale(1.05); }
.button:focus-visible { outline: 3px solid var(--llmflow-color, #0f6b5c); outline-offset: 3px; }
.shut, [aria-expanded="true"] .talk { display: none; }
[aria-expanded="true"] .shut { display: inline; }
.panel {
  position: fixed;
  right: 20px;
  bottom: 90px;
  width: min(400px, calc(100vw - 40px));
  height: min(640px, calc(100dvh - 112px));
  overflow: hidden;
  border-radius: 16px;
  background: light-dark(#f8f8f6, #121416);
  border: 1px solid light-dark(#d9d9d3, #33383c);
  box-shadow: 0 16px 48px rgb(0 0 0 / 0.28);
  animation: rise 160ms cubic-bezier(0.2, 0.8, 0.3, 1);
}
:host(.left) .panel { right: auto; left: 20px; }
.panel[hidden] { display: none; }
iframe { display: block; width: 100%; height: 100%; border: 0; color-scheme: normal; }
.note {
  display: flex;
  flex-direction: column;
  align-items: center;
  justify-content: center;
  gap: 8px;
  box-sizing: border-box;
  height: 100%;
  padding: 24px;
  text-align: center;
  color: light-dark(#1a1c1e, #e9eaeb);
}
.note p { margin: 0; word-break: keep-all; }
.note a { color: light-dark(#0b5b4e, #7bd3c1); }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
@media (max-width: 480px) {
  .panel, :host(.left) .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; }
  .panel:not([hidden]):has(iframe) + .button { display: none; }
}
@media (prefers-reduced-motion: reduce) {
  .panel { animation: none; }
  .button { transition: none; }
}
`;
