import { cleanup, fireEvent, render, screen } from "@testing-library/react";
import { useState } from "react";
import { afterEach, expect, test, vi } from "vitest";

import { Field, FieldWordsContext, Input } from "@/ui/Field";
import { Secret } from "@/ui/Secret";

afterEach(cleanup);

const WORDS = {
  required: "꼭 입력해야 합니다.",
  email: "이메일 주소가 아닙니다.",
  url: "주소가 아닙니다.",
  short: (least: number) => `${least}자 이상`,
  range: (least: string, most: string) => `${least}~${most}`,
  least: (least: string) => `${least} 이상`,
  whole: "정수가 아닙니다.",
  other: "쓸 수 없는 값입니다.",
};

function Stage({ onSend }: { onSend: (email: string) => void }) {
  const [email, setEmail] = useState("");
  return (
    <FieldWordsContext value={WORDS}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          onSend(email);
        }}
      >
        <Field label="이메일">
          {(ids) => <Input {...ids} type="email" required value={email} onChange={(event) => setEmail(event.target.value)} />}
        </Field>
        <button type="submit">보내기</button>
      </form>
    </FieldWordsContext>
  );
}

test("a field says what is wrong in the reader's words, and stops saying it while it is mended", () => {
  const sent = vi.fn();
  render(<Stage onSend={sent} />);
  const field = screen.getByLabelText<HTMLInputElement>("이메일");
  fireEvent.invalid(field);
  expect(screen.getByRole("alert").textContent).toBe(WORDS.required);
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(document.getElementById(field.getAttribute("aria-describedby") ?? "")?.textContent).toBe(WORDS.required);
  fireEvent.input(field, { target: { value: "kim@example.com" } });
  expect(field.value).toBe("kim@example.com");
  expect(screen.queryByRole("alert")).toBeNull();
  fireEvent.submit(field);
  expect(sent.mock.calls).toEqual([["kim@example.com"]]);
});

test("a field that is folded away comes to light when it is wrong, and says what would do", () => {
  render(
    <FieldWordsContext value={WORDS}>
      <details>
        <summary>더 보기</summary>
        <Field label="요청">{(ids) => <Input {...ids} type="number" min={1} step={1} />}</Field>
      </details>
    </FieldWordsContext>,
  );
  const field = screen.getByLabelText<HTMLInputElement>("요청");
  const wrong = (value: string, validity: Partial<ValidityState>) => {
    fireEvent.input(field, { target: { value } });
    Object.defineProperty(field, "validity", { value: validity, configurable: true });
    fireEvent.invalid(field);
    return screen.getByRole("alert").textContent;
  };
  expect(field.closest("details")?.open).toBe(false);
  expect(wrong("0", { rangeUnderflow: true })).toBe("1 이상");
  expect(field.closest("details")?.open).toBe(true);
  expect(wrong("1.5", { stepMismatch: true })).toBe(WORDS.whole);
});

test("a secret is hidden until asked for, and Caps Lock is told", () => {
  render(<Secret aria-label="비밀번호" showLabel="보기" hideLabel="숨기기" capsLabel="Caps Lock이 켜져 있습니다" />);
  const field = screen.getByLabelText<HTMLInputElement>("비밀번호");
  expect(field.type).toBe("password");
  fireEvent.click(screen.getByRole("button", { name: "보기" }));
  expect(field.type).toBe("text");
  expect(screen.getByRole("button", { name: "숨기기" }).getAttribute("aria-pressed")).toBe("true");
  const locked = new KeyboardEvent("keydown", { key: "A", bubbles: true });
  Object.defineProperty(locked, "getModifierState", { value: (name: string) => name === "CapsLock" });
  fireEvent(field, locked);
  expect(screen.getByRole("status").textContent).toBe("Caps Lock이 켜져 있습니다");
  fireEvent.blur(field);
  expect(screen.getByRole("status").textContent).toBe("");
});
