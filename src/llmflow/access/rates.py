"""How often something may be done: buckets that refill, one for each name. The one limiter of all surfaces."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmflow.errors import TooMany

_MOST_BUCKETS = 50_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`per_minute`: refilled evenly. `most`: at once, out of a full bucket."""

    per_minute: float
    most: float

    @classmethod
    def each_minute(cls, count: int) -> Rate:
        """So many in a minute, all of them at once where they come so."""
        return cls(count, count)


@dataclass(slots=True)
class _Bucket:
    spent: float
    at_s: float


class Rates:
    """`most_buckets`: names remembered; those that were used longest ago are forgotten first. In memory: one process
    serves a database."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, *, most_buckets: int = _MOST_BUCKETS) -> None:
        self._clock_s = clock_s
        self._most_buckets = most_buckets
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, wanted: Sequence[tuple[str, Rate]]) -> None:
        """One out of each bucket, or out of none. Raises TooMany with `wait_s`, the seconds until it may be done."""
        now_s = self._clock_s()
        spent = {name: self._spent(name, rate, now_s) for name, rate in wanted}
        waits_s = [(spent[name] + 1 - rate.most) * 60 / rate.per_minute for name, rate in wanted]
        longest_s = max(waits_s, default=0.0)
        if longest_s > 0:
            wait_s = max(1, math.ceil(longest_s))
            error = TooMany("That was too much at once.", hint=f"Try again in {wait_s} s.")
            error.wait_s = wait_s
            raise error
        for name, already in spent.items():
            self._keep(name, already + 1, now_s)

    def give_back(self, name: str, rate: Rate) -> None:
        """What was taken counts no more."""
        now_s = self._clock_s()
        self._keep(name, max(0.0, self._spent(name, rate, now_s) - 1), now_s)

    def __len__(self) -> int:
        """Names of which something is spent."""
        return len(self._buckets)

    def _spent(self, name: str, rate: Rate, now_s: float) -> float:
        bucket = self._buckets.get(name)
        if bucket is None:
            return 0.0
        return max(0.0, bucket.spent - (now_s - bucket.at_s) * rate.per_minute / 60)

    def _keep(self, name: str, spent: float, now_s: float) -> None:
        self._buckets.pop(name, None)
        if spent > 0:
            self._buckets[name] = _Bucket(spent, now_s)
        while len(self._buckets) > self._most_buckets:
            self._buckets.popitem(last=False)
