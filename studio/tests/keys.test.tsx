import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { composing, pressed, sends } from "@/actions/keys";
import { Composer } from "@/pages/chat/Composer";
import "./words.ts";

afterEach(cleanup);

const press = (changes: Partial<KeyboardEvent>) => ({ key: "Enter", keyCode: 13, shiftKey: false, isComposing: false, ...changes });

test("Enter sends, Shift and Enter does not", () => {
  expect(sends(press({}))).toBe(true);
  expect(sends(press({ shiftKey: true }))).toBe(false);
  expect(sends(press({ key: "a" }))).toBe(false);
});

test("the Enter that ends a Korean syllable does not send, in any browser's telling", () => {
  expect(sends(press({ isComposing: true }))).toBe(false);
  expect(sends(press({ keyCode: 229 }))).toBe(false); // Safari: composing is over, the key code is left
  expect(composing({ key: "Enter", keyCode: 13, nativeEvent: { isComposing: true } })).toBe(true); // as React hands it on
});

test("the composer sends once, after the composing and not in it", () => {
  const asked = vi.fn();
  render(<Composer app="demo" busy={false} onSend={asked} onStop={() => undefined} />);
  const field = screen.getByRole("textbox");
  fireEvent.change(field, { target: { value: "연차는 며칠" } });
  fireEvent.keyDown(field, { key: "Enter", keyCode: 229 });
  fireEvent.keyDown(field, { key: "Enter", keyCode: 13, isComposing: true });
  expect(asked).not.toHaveBeenCalled();
  fireEvent.keyDown(field, { key: "Enter", keyCode: 13 });
  expect(asked.mock.calls).toEqual([["연차는 며칠", []]]);
});

test("nothing is sent while an answer is written, and what was typed stays", () => {
  const asked = vi.fn();
  render(<Composer app="demo" busy onSend={asked} onStop={() => undefined} />);
  const field = screen.getByRole<HTMLTextAreaElement>("textbox");
  fireEvent.change(field, { target: { value: "다음 질문" } });
  fireEvent.keyDown(field, { key: "Enter", keyCode: 13 });
  expect(asked).not.toHaveBeenCalled();
  expect(field.value).toBe("다음 질문");
});

test("shortcuts go by the physical key where a Korean layout types 한글", () => {
  const event = (init: KeyboardEventInit) => new KeyboardEvent("keydown", init);
  expect(pressed(event({ key: "k", code: "KeyK", ctrlKey: true }))).toBe("mod+k");
  expect(pressed(event({ key: "ㅏ", code: "KeyK", metaKey: true }))).toBe("mod+k");
  expect(pressed(event({ key: "O", code: "KeyO", ctrlKey: true, shiftKey: true }))).toBe("mod+shift+o");
});
