"""Wrong sign-ins of each client address: a bucket that refills, so that guessing at many accounts is slow too."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from llmflow.errors import TooMany
from llmflow.net.networks import network_of

_FREE = 30  # at once: an office behind one address mistypes too
_REFILL_S = 10.0  # for one more
_REMEMBERED = 10_000  # addresses


class Attempts:
    """Counts failures only: whoever knows the password is not slowed by a neighbour until the bucket is empty, and then
    for seconds. An attempt counts as failed from its beginning until it is forgiven, so many at once get no further.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: OrderedDict[str, tuple[float, float]] = OrderedDict()  # how many are left of it, and when

    def begin(self, address: str) -> None:
        """Raises TooMany (sign_in_paused) with the seconds to wait."""
        network, now = network_of(address), self._clock()
        failed = self._left(network, now)
        if failed + 1 > _FREE:
            wait = max(1, math.ceil((failed + 1 - _FREE) * _REFILL_S))
            error = TooMany(
                f"Too many wrong sign-ins came from this address. Try again in {wait} s.", code="sign_in_paused"
            )
            error.wait_s = wait
            raise error
        self._keep(network, failed + 1, now)

    def forgive(self, address: str) -> None:
        """This attempt was right, or no guess."""
        network, now = network_of(address), self._clock()
        self._keep(network, max(0.0, self._left(network, now) - 1), now)

    def __len__(self) -> int:
        """Addresses with failures."""
        return len(self._failed)

    def _left(self, network: str, now: float) -> float:
        failed, at = self._failed.get(network, (0.0, now))
        return max(0.0, failed - (now - at) / _REFILL_S)

    def _keep(self, network: str, failed: float, now: float) -> None:
        self._failed.pop(network, None)
        if failed > 0:
            self._failed[network] = (failed, now)
        while len(self._failed) > _REMEMBERED:
            self._failed.popitem(last=False)
