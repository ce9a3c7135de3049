"""How many passages a second are embedded for a base now."""

from __future__ import annotations

import time
from collections import deque

_WINDOW_S = 30.0
_SHORTEST_S = 1.0  # a first slice alone says little


class Pace:
    """Kept in memory; everything older than half a minute is forgotten. Belongs to one event loop."""

    def __init__(self) -> None:
        self._begun: dict[str, deque[tuple[float, int]]] = {}

    def begin(self, knowledge_id: str) -> None:
        """Passages of this base are being embedded from now on, or still."""
        self.add(knowledge_id, 0)

    def add(self, knowledge_id: str, count: int) -> None:
        """`count` more are done."""
        notes = self._begun.setdefault(knowledge_id, deque())
        notes.append((time.monotonic(), count))
        _drop_old(notes)

    def per_s(self, knowledge_id: str) -> float:
        """Passages a second over the last half minute; 0 when nothing was embedded meanwhile."""
        notes = self._begun.get(knowledge_id)
        if not notes:
            return 0.0
        _drop_old(notes)
        if not notes:
            del self._begun[knowledge_id]
            return 0.0
        return sum(count for _, count in notes) / max(_SHORTEST_S, time.monotonic() - notes[0][0])


def _drop_old(notes: deque[tuple[float, int]]) -> None:
    oldest = time.monotonic() - _WINDOW_S
    while notes and notes[0][0] < oldest:
        notes.popleft()
