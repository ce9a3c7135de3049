"""Wrong sign-ins of each client address, counted so that guessing at many accounts is slow too."""

from __future__ import annotations

import time
from collections.abc import Callable

from llmflow.access.rates import Rate, Rates
from llmflow.errors import TooMany
from llmflow.net.networks import network_of

_RATE = Rate(per_minute=6, most=30)  # an office behind one address mistypes too
_REMEMBERED = 10_000  # addresses


class Attempts:
    """Counts failures only: whoever knows the password is not slowed by a neighbour until the bucket is empty, and then
    for seconds. An attempt counts as failed from its beginning until it is forgiven, so many at once get no further.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._failed = Rates(clock, most_buckets=_REMEMBERED)

    def begin(self, address: str) -> None:
        """Raises TooMany (sign_in_paused) with the seconds to wait."""
        try:
            self._failed.take([(network_of(address), _RATE)])
        except TooMany as slower:
            error = TooMany(
                f"Too many wrong sign-ins came from this address. Try again in {slower.wait_s} s.",
                code="sign_in_paused",
            )
            error.wait_s = slower.wait_s
            raise error from slower

    def forgive(self, address: str) -> None:
        """This attempt was right, or no guess."""
        self._failed.give_back(network_of(address), _RATE)

    def __len__(self) -> int:
        """Addresses with failures."""
        return len(self._failed)
