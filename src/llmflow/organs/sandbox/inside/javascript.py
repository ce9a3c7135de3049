"""Runs JavaScript: `main(inputs)` of a source, with QuickJS; a promise is waited for. There is no require, no fetch and
no timer; `console` prints."""

from __future__ import annotations

import json
import re
from typing import Any

import _quickjs

from llmflow.organs.sandbox.inside.failed import Failed
from llmflow.organs.sandbox.inside.printed import Printed

_STACK_BYTES = 4 << 20
_PRELUDE = """
(() => {
  const shown = (value) => {
    if (typeof value === "string") return value;
    try { return JSON.stringify(value) ?? String(value); } catch { return String(value); }
  };
  const print = __print;
  delete globalThis.__print;
  const log = (...values) => print(values.map(shown).join(" ") + "\\n");
  globalThis.console = { log, info: log, warn: log, error: log, debug: log };
})()
"""
_CALL = """
((stringify) => (inputs) => {
  const answer = { state: "pending", body: "" };
  const fail = (error) => {
    answer.state = "failed";
    answer.body = error instanceof Error ? `${error}\\n${error.stack ?? ""}` : `Error: ${String(error)}\\n`;
  };
  const give = (value) => {
    try { answer.body = stringify(value) ?? "null"; answer.state = "done"; } catch (error) { fail(error); }
  };
  if (typeof main !== "function") { answer.state = "missing"; return answer; }
  let value;
  try { value = main(inputs); } catch (error) { fail(error); return answer; }
  if (value instanceof Promise) value.then(give, fail); else give(value);
  return answer;
})(JSON.stringify)
"""
_PLACE = re.compile(r"at (?:(?P<name>[^\s(]+) \()?<input>:(?P<line>\d+)(?::\d+)?")


def call(source: str, inputs: dict[str, Any], printed: Printed) -> bytes:
    """Raises Failed and MemoryError."""
    context = _quickjs.Context()
    context.set_max_stack_size(_STACK_BYTES)
    context.add_callable("__print", printed.write)
    context.eval(_PRELUDE)
    start = context.eval(_CALL)
    try:
        context.eval(source)
        answer = start(context.parse_json(json.dumps(inputs)))
        while context.execute_pending_job():
            pass
    except _quickjs.JSException as error:
        raise _failed(str(error), source) from None
    told = json.loads(answer.json())
    match told["state"]:
        case "done":
            return str(told["body"]).encode("utf-8", "replace")
        case "missing":
            raise Failed("code", "The code has no function called main.")
        case "pending":
            raise Failed("code", "main waits for something that never comes: there are no timers here.")
    raise _failed(str(told["body"]), source)


def _failed(text: str, source: str) -> Failed:
    """Of QuickJS's message and stack: the code's own lines, outermost first."""
    message, _, stack = text.partition("\n")
    if "out of memory" in message:
        return Failed("memory", "")
    lines = source.splitlines()
    shown = []
    for place in _PLACE.finditer(stack):
        number, name = int(place["line"]), place["name"] or ""
        if number <= len(lines):
            where = f", in {name}" if name and name != "<eval>" else ""
            shown.append(f"line {number}{where}\n    {lines[number - 1].strip()}")
    return Failed("code", message.strip(), "\n".join(reversed(shown[:8])))
