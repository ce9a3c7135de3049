"""How much is asked in a minute: buckets that fill with time, one for each visitor, network address and page."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llmflow.errors import TooMany

_MOST_BUCKETS = 50_000


class Slower(TooMany):
    """Over a rate; `retry_s`: seconds after which it may be tried again."""

    def __init__(self, retry_s: int) -> None:
        super().__init__("That was too much at once.", hint=f"Try again in {retry_s} s.")
        self.retry_s = retry_s


@dataclass(slots=True)
class _Bucket:
    left: float
    at_s: float


class Rates:
    """Buckets of `per_minute` requests that fill evenly. In memory: one process serves."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._buckets: dict[str, _Bucket] = {}

    def take(self, wanted: Sequence[tuple[str, int]]) -> None:
        """One request out of each bucket (name, per_minute), or out of none. Raises Slower."""
        now_s = self._clock_s()
        buckets = [(self._filled(name, per_minute, now_s), per_minute) for name, per_minute in wanted]
        waits_s = [(1 - bucket.left) * 60 / per_minute for bucket, per_minute in buckets if bucket.left < 1]
        if waits_s:
            raise Slower(max(1, math.ceil(max(waits_s))))
        for bucket, _ in buckets:
            bucket.left -= 1

    def _filled(self, name: str, per_minute: int, now_s: float) -> _Bucket:
        bucket = self._buckets.get(name)
        if bucket is None:
            if len(self._buckets) >= _MOST_BUCKETS:
                self._forget(now_s)
            bucket = self._buckets[name] = _Bucket(per_minute, now_s)
        bucket.left = min(per_minute, bucket.left + (now_s - bucket.at_s) * per_minute / 60)
        bucket.at_s = now_s
        return bucket

    def _forget(self, now_s: float) -> None:
        """Those untouched for a minute are full again; without such, the older half."""
        kept = {name: bucket for name, bucket in self._buckets.items() if now_s - bucket.at_s < 60}
        if len(kept) >= _MOST_BUCKETS:
            newest = sorted(kept.items(), key=lambda item: item[1].at_s)[len(kept) // 2 :]
            kept = dict(newest)
        self._buckets = kept
