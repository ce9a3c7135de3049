"""Splits a model's words into what it thinks, between <think> and </think>, and what it says, as they come."""

from __future__ import annotations

from dataclasses import dataclass

_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Split:
    text: str = ""
    reasoning: str = ""


class Splitter:
    """`feed` each piece, `end` at last: a tag may be cut by the pieces. Space between the two is dropped."""

    def __init__(self) -> None:
        self._held = ""
        self._thinks = False
        self._trims = True

    def feed(self, piece: str) -> Split:
        self._held += piece
        text, reasoning = "", ""
        while True:
            tag = _CLOSE if self._thinks else _OPEN
            before, found, after = self._held.partition(tag)
            if not found:
                keep = _overlap(self._held, tag)
                before, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
            if self._thinks:
                reasoning += before
            else:
                text += self._trimmed(before)
            if not found:
                return Split(text, reasoning)
            self._held, self._thinks = after, not self._thinks
            self._trims = self._trims or not self._thinks

    def end(self) -> Split:
        held, self._held = self._held, ""
        return Split(reasoning=held) if self._thinks else Split(text=self._trimmed(held))

    def _trimmed(self, text: str) -> str:
        if self._trims:
            text = text.lstrip()
            self._trims = not text
        return text


def _overlap(text: str, tag: str) -> int:
    """How many of the last characters may begin the tag."""
    for length in range(min(len(text), len(tag) - 1), 0, -1):
        if text.endswith(tag[:length]):
            return length
    return 0
