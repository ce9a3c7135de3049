import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";

import { ApiError } from "@/api/errors";
import { ConfirmChange } from "@/frame/ConfirmChange";
import { Button } from "@/ui/Button";
import "./words.ts";

afterEach(cleanup);

test("why something was not deleted is forgotten with the question about it", () => {
  const change = { isPending: false, error: new ApiError(500, { code: "internal", message: "No.", hint: "", param: null, request_id: null }), reset: vi.fn() };
  const closed = vi.fn();
  render(<ConfirmChange open onClose={closed} onConfirm={vi.fn()} change={change} title="지울까요?" text="되돌릴 수 없습니다." confirmLabel="삭제" />);
  expect(screen.getByRole("alert").textContent).toContain("internal");
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  expect(change.reset).toHaveBeenCalledOnce();
  expect(closed).toHaveBeenCalledOnce();
});

test("a button that is at work keeps the focus and takes no second press", () => {
  const pressed = vi.fn();
  const sent = vi.fn((event: Event) => event.preventDefault());
  const shown = (busy: boolean) => (
    <form onSubmit={(event) => sent(event.nativeEvent)}>
      <Button type="submit" busy={busy} onClick={pressed}>
        저장
      </Button>
    </form>
  );
  const { rerender } = render(shown(false));
  const button = screen.getByRole("button");
  button.focus();
  fireEvent.click(button);
  rerender(shown(true));
  fireEvent.click(button);
  expect(document.activeElement).toBe(button);
  expect(button.getAttribute("aria-disabled")).toBe("true");
  expect(pressed).toHaveBeenCalledOnce();
  expect(sent).toHaveBeenCalledOnce();
});
