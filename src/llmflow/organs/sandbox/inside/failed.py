"""How code can fail within a call."""

from __future__ import annotations


class Failed(Exception):
    """`kind`: code (its own error), memory, output. `lines`: where in the code it was, for people; "" if unknown."""

    def __init__(self, kind: str, message: str, lines: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.lines = lines
