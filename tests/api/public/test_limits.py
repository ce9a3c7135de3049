"""Rates by a clock of the test's own."""

from __future__ import annotations

import pytest

from llmflow.api.routes.public.limits import Rates, Slower
from llmflow.net.networks import network_of


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_a_full_minute_may_be_asked_at_once_and_then_as_the_bucket_fills() -> None:
    clock = Clock()
    rates = Rates(clock)
    for _ in range(6):
        rates.take([("방문자", 6)])
    with pytest.raises(Slower) as caught:
        rates.take([("방문자", 6)])
    assert caught.value.retry_s == 10
    clock.now_s = 10
    rates.take([("방문자", 6)])
    with pytest.raises(Slower):
        rates.take([("방문자", 6)])


def test_who_is_refused_takes_nothing_from_the_others() -> None:
    rates = Rates(Clock())
    rates.take([("one", 1), ("page", 3)])
    for _ in range(5):
        with pytest.raises(Slower):
            rates.take([("one", 1), ("page", 3)])
    rates.take([("two", 1), ("page", 3)])
    rates.take([("three", 1), ("page", 3)])
    with pytest.raises(Slower):
        rates.take([("four", 1), ("page", 3)])


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
    ],
)
def test_an_ipv6_household_counts_as_one(host: str, network: str) -> None:
    assert network_of(host) == network
