"""What code prints: the beginning is kept, the rest thrown away."""

from __future__ import annotations

import io

_MOST = 16_384  # characters


class Printed(io.TextIOBase):
    """Stands for standard output and standard error."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self.text = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str, /) -> int:
        if len(self.text) < _MOST:
            self.text += str(text)[: _MOST - len(self.text)]
        return len(text)
