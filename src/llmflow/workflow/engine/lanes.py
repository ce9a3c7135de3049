"""Rounds that run at once tell their answers one after the other: what a later round says is held until its turn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from llmflow.workflow.events import At, TextChunk
from llmflow.workflow.graph import Node


class Voice(Protocol):
    """Where what answers say goes to: the run, or a lane on the way to it."""

    def say(self, chunk: TextChunk) -> None: ...

    def withdraw(self, within: str, at: At, pieces: int) -> None:
        """Takes back the last pieces said in a round."""

    def gather(self, node: Node, outputs: Mapping[str, Any]) -> None:
        """A node's part in the run's outputs."""


class Lanes:
    """One lane for each round of a container. The first open lane speaks, the others are held."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self._lanes: dict[int, Lane] = {}
        self._closed: set[int] = set()
        self._turn = 0

    def lane(self, index: int) -> Lane:
        lane = self._lanes[index] = Lane(self._voice, is_open=index == self._turn)
        return lane

    def close(self, index: int) -> None:
        """The round says no more."""
        self._closed.add(index)
        while self._turn in self._closed:
            self._turn += 1
            if lane := self._lanes.get(self._turn):
                lane.open()


class Lane:
    """A round's voice."""

    def __init__(self, voice: Voice, *, is_open: bool) -> None:
        self._voice = voice
        self._is_open = is_open
        self._held: list[TextChunk | tuple[Node, Mapping[str, Any]]] = []

    def say(self, chunk: TextChunk) -> None:
        if self._is_open:
            self._voice.say(chunk)
        else:
            self._held.append(chunk)

    def gather(self, node: Node, outputs: Mapping[str, Any]) -> None:
        if self._is_open:
            self._voice.gather(node, outputs)
        else:
            self._held.append((node, outputs))

    def withdraw(self, within: str, at: At, pieces: int) -> None:
        for position in range(len(self._held) - 1, -1, -1):
            item = self._held[position]
            if pieces and isinstance(item, TextChunk) and item.within == within and item.at == at:
                del self._held[position]
                pieces -= 1
        if pieces:
            self._voice.withdraw(within, at, pieces)

    def open(self) -> None:
        self._is_open = True
        held, self._held = self._held, []
        for item in held:
            if isinstance(item, TextChunk):
                self._voice.say(item)
            else:
                self._voice.gather(*item)
