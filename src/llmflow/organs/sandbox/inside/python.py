"""Runs Python: `main(**inputs)` of a source, its result as JSON."""

from __future__ import annotations

import json
import linecache
import sys
import traceback
import types
from typing import Any

from llmflow.organs.sandbox.inside.failed import Failed
from llmflow.organs.sandbox.inside.printed import Printed

_NAME = "main.py"  # of the code, in its own errors
_MOST_LINES = 8


def call(source: str, inputs: dict[str, Any], printed: Printed) -> bytes:
    """Raises Failed and MemoryError."""
    linecache.cache[_NAME] = (len(source), None, source.splitlines(keepends=True), _NAME)
    module = types.ModuleType("__main__")
    module.__file__ = _NAME
    sys.modules["__main__"] = module
    try:
        exec(compile(source, _NAME, "exec", dont_inherit=True), vars(module))  # noqa: S102  what this place is for
        main = vars(module).get("main")
        if not callable(main):
            raise Failed("code", "The code has no function called main.")
        result = main(**inputs)
    except (Failed, MemoryError):
        raise
    except BaseException as error:  # noqa: BLE001  whatever the code raises is its answer
        raise Failed("code", _message(error), _lines(error)) from None
    return _json(result)


def _message(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)[-1:]).strip()


def _lines(error: BaseException) -> str:
    """Where it was, outermost first: the code's own lines and no others."""
    if isinstance(error, SyntaxError) and error.filename == _NAME:
        return f"line {error.lineno}\n    {(error.text or '').strip()}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _NAME]
    shown = frames if len(frames) <= _MOST_LINES else [*frames[:1], *frames[1 - _MOST_LINES :]]
    return "\n".join(_line(frame) for frame in shown)


def _line(frame: traceback.FrameSummary) -> str:
    where = "" if frame.name == "<module>" else f", in {frame.name}"
    return f"line {frame.lineno}{where}\n    {frame.line}"


def _json(result: Any) -> bytes:
    try:
        return json.dumps(result, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
    except (TypeError, ValueError, RecursionError) as error:
        raise Failed("output", f"main returned something that is no JSON: {error}") from None
