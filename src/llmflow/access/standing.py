"""Tells streams that are open when what their caller may do has changed, so that none goes on with what was."""

from __future__ import annotations

import asyncio
from weakref import WeakValueDictionary


class Change(asyncio.Event):
    """Set when an account's role, password or membership changed, or when a key was revoked."""


class Standing:
    """By the id of an account or of a key. Nobody who does not wait costs anything."""

    def __init__(self) -> None:
        self._waiting: WeakValueDictionary[str, Change] = WeakValueDictionary()

    def of(self, id: str) -> Change:
        """What to wait for; of those who ask before the next change the same one."""
        found = self._waiting.get(id)
        if found is None:
            found = self._waiting[id] = Change()
        return found

    def changed(self, id: str) -> None:
        """Whoever waits looks anew; who comes later waits for the next change."""
        found = self._waiting.pop(id, None)
        if found is not None:
            found.set()
