"""How a deployment does: its circuit breaker, what it asked us to wait, how fast it is, how busy. No clock inside:
every question and every news comes with its time in seconds (monotonic)."""

from __future__ import annotations

import math
from typing import Literal

_CONSECUTIVE = 5
_WINDOW_S = 30.0
_LEAST_SEEN = 20
_FAILED_SHARE = 0.5
_OPEN_S = 2.0
_LONGEST_OPEN_S = 60.0
_LONGEST_REST_S = 60.0
_WEIGHT = 0.2  # of the newest latency
_FORGET_S = 60.0  # a slow one is tried again: what is known of it fades

Phase = Literal["closed", "open", "half_open"]


class Circuit:
    """Opens after 5 failures in a row, or when half of at least 20 calls in 30 s failed. Open, it lets nothing through
    for 2 s, then one probe at a time; a probe that fails doubles the time, up to a minute, one that succeeds closes it.
    """

    __slots__ = (
        "_failed",
        "_failed_before",
        "_opened",
        "_probing",
        "_row",
        "_seen",
        "_seen_before",
        "_until",
        "_window",
    )

    def __init__(self) -> None:
        self._row = 0
        self._opened = 0  # times in a row
        self._until = 0.0  # open until then
        self._probing = False
        self._window = 0.0
        self._seen = self._failed = self._seen_before = self._failed_before = 0

    def phase(self, now: float) -> Phase:
        if not self._opened:
            return "closed"
        return "open" if now < self._until else "half_open"

    def allows(self, now: float) -> bool:
        return not self._opened or (now >= self._until and not self._probing)

    def wait_s(self, now: float) -> float:
        """Until it may be tried; 0 when it may be now."""
        return max(0.0, self._until - now) if self._opened else 0.0

    def begin(self, now: float) -> bool:
        """A call goes through; True: it is the probe, and whoever made it must say how it ended."""
        if self._opened and not self._probing:
            self._probing = True
            return True
        return False

    def succeeded(self, now: float, *, probe: bool) -> None:
        """A call that began before the circuit opened says nothing about now: only the probe closes it."""
        if not self._opened:
            self._row = 0
            self._count(now, failed=0)
        elif probe:
            self.__init__()  # type: ignore[misc]  # all is forgotten

    def failed(self, now: float, *, probe: bool) -> None:
        if self._opened:
            if probe:
                self._probing = False
                self._open(now)
            return
        self._row += 1
        self._count(now, failed=1)
        seen, failed = self._seen + self._seen_before, self._failed + self._failed_before
        if self._row >= _CONSECUTIVE or (seen >= _LEAST_SEEN and failed >= seen * _FAILED_SHARE):
            self._open(now)

    def left(self, *, probe: bool) -> None:
        """The caller went, or the call was refused for its own fault: nothing was learnt."""
        if probe:
            self._probing = False

    def _open(self, now: float) -> None:
        self._opened += 1
        self._until = now + min(_OPEN_S * 2 ** min(self._opened - 1, 10), _LONGEST_OPEN_S)

    def _count(self, now: float, *, failed: int) -> None:
        if now - self._window >= _WINDOW_S / 2:
            is_next = now - self._window < _WINDOW_S
            self._seen_before = self._seen if is_next else 0
            self._failed_before = self._failed if is_next else 0
            self._seen = self._failed = 0
            self._window = now
        self._seen += 1
        self._failed += failed


class Condition:
    """All that is known of how a deployment does."""

    __slots__ = ("_first_at", "_first_s", "_rests_until", "circuit", "in_flight")

    def __init__(self) -> None:
        self.circuit = Circuit()
        self.in_flight = 0
        self._rests_until = 0.0
        self._first_s = 0.0
        self._first_at = 0.0

    def allows(self, now: float) -> bool:
        return now >= self._rests_until and self.circuit.allows(now)

    def wait_s(self, now: float) -> float:
        """Until it may be tried; 0 when it may be now."""
        return max(self._rests_until - now, self.circuit.wait_s(now), 0.0)

    def rest(self, now: float, wait_s: float) -> None:
        """It said that it has too much to do."""
        self._rests_until = max(self._rests_until, now + min(wait_s, _LONGEST_REST_S))

    def answered(self, now: float, first_s: float) -> None:
        """Its first piece came after `first_s`: a moving average, which a slow answer lifts at once."""
        before = self._first_s
        self._first_s = first_s if first_s > before else before + _WEIGHT * (first_s - before)
        self._first_at = now

    def latency_s(self, now: float) -> float:
        """Expected seconds to a first piece; 0 where nothing is known (any more)."""
        if not self._first_s:
            return 0.0
        return self._first_s * math.exp(min(0.0, self._first_at - now) / _FORGET_S)


class RetryBudget:
    """Second tries at the same deployment are at most a fifth of the traffic, and ten more that are saved up: a server
    that fails is never buried under them."""

    __slots__ = ("_left",)
    RATIO = 0.2
    SAVED = 10.0

    def __init__(self) -> None:
        self._left = self.SAVED

    def earn(self) -> None:
        """A request came."""
        self._left = min(self.SAVED, self._left + self.RATIO)

    def take(self) -> bool:
        """Whether one more try may be made; it is then paid for."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
