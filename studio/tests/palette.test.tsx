import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { House, Settings } from "lucide-react";
import { useMemo } from "react";
import { afterEach, expect, test, vi } from "vitest";

import { type Action, useActions } from "@/actions/action";
import { useShortcuts } from "@/actions/keys";
import { Palette } from "@/frame/Palette";
import "./words.ts";

afterEach(cleanup);

function Stage({ home, settings, onClose }: { home: () => void; settings: () => void; onClose: () => void }) {
  const actions = useMemo(
    (): Action[] => [
      { id: "home", label: "홈", group: "이동", icon: House, shortcut: "g h", run: home },
      { id: "settings", label: "설정", group: "이동", icon: Settings, words: "settings", run: settings },
    ],
    [home, settings],
  );
  useActions(actions);
  useShortcuts();
  return <Palette open onClose={onClose} />;
}

function stage() {
  const spies = { home: vi.fn(), settings: vi.fn(), onClose: vi.fn() };
  Element.prototype.scrollIntoView = () => Promise.resolve() as never; // as newer browsers do
  render(<Stage {...spies} />);
  return { ...spies, field: screen.getByRole("combobox") };
}

test("typing narrows the list, Enter runs the choice and closes", () => {
  const { field, settings, home, onClose } = stage();
  fireEvent.change(field, { target: { value: "ㅅㅈ" } });
  expect(screen.getAllByRole("option").map((one) => one.textContent)).toEqual(["설정이동"]);
  fireEvent.keyDown(field, { key: "Enter", keyCode: 13 });
  expect([settings.mock.calls.length, home.mock.calls.length, onClose.mock.calls.length]).toEqual([1, 0, 1]);
});

test("arrows move round the list, and an Enter that ends a syllable runs nothing", () => {
  const { field, settings } = stage();
  const chosen = () => screen.getAllByRole("option").findIndex((one) => one.getAttribute("aria-selected") === "true");
  fireEvent.keyDown(field, { key: "ArrowUp" });
  expect(chosen()).toBe(1);
  fireEvent.keyDown(field, { key: "Enter", keyCode: 229 });
  expect(settings).not.toHaveBeenCalled();
  fireEvent.keyDown(field, { key: "ArrowDown" });
  expect(chosen()).toBe(0);
});

test("nothing found says so", () => {
  const { field } = stage();
  fireEvent.change(field, { target: { value: "zzz" } });
  expect(screen.queryAllByRole("option")).toEqual([]);
  expect(document.body.textContent).toContain("zzz");
});
