"""What was read from the database and is asked for at every request: remembered until it changes.

One process serves a database, so whoever changes a thing forgets it here.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Known(Generic[Key, Value]):
    """The `most` that were asked for last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._values: OrderedDict[Key, Value] = OrderedDict()
        self._changes = 0

    async def get(self, key: Key, look: Callable[[], Awaitable[Value]]) -> Value:
        """The value; `look` reads one that is not known. What `look` raises is not remembered."""
        known = self._values.get(key)
        if known is not None:
            self._values.move_to_end(key)
            return known
        changes = self._changes
        value = await look()
        if changes == self._changes:  # nothing changed while it was read
            self._values[key] = value
            if len(self._values) > self._most:
                self._values.popitem(last=False)
        return value

    def forget(self, key: Key) -> None:
        self._changes += 1
        self._values.pop(key, None)
