"""Rates by a clock of the test's own."""

from __future__ import annotations

import pytest

from llmflow.access.rates import Rate, Rates
from llmflow.errors import TooMany
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
        rates.take([("방문자", Rate.each_minute(6))])
    with pytest.raises(TooMany) as caught:
        rates.take([("방문자", Rate.each_minute(6))])
    assert caught.value.wait_s == 10
    clock.now_s = 10
    rates.take([("방문자", Rate.each_minute(6))])
    with pytest.raises(TooMany):
        rates.take([("방문자", Rate.each_minute(6))])


def test_who_is_refused_takes_nothing_from_the_others() -> None:
    rates = Rates(Clock())
    rates.take([("one", Rate.each_minute(1)), ("page", Rate.each_minute(3))])
    for _ in range(5):
        with pytest.raises(TooMany):
            rates.take([("one", Rate.each_minute(1)), ("page", Rate.each_minute(3))])
    rates.take([("two", Rate.each_minute(1)), ("page", Rate.each_minute(3))])
    rates.take([("three", Rate.each_minute(1)), ("page", Rate.each_minute(3))])
    with pytest.raises(TooMany):
        rates.take([("four", Rate.each_minute(1)), ("page", Rate.each_minute(3))])


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


def test_what_is_given_back_may_be_taken_again_at_once() -> None:
    rates, rate = Rates(Clock()), Rate(per_minute=6, most=1)
    rates.take([("사무실", rate)])
    rates.give_back("사무실", rate)
    rates.take([("사무실", rate)])
    with pytest.raises(TooMany):
        rates.take([("사무실", rate)])


def test_memory_is_bounded_and_the_longest_unused_is_forgotten() -> None:
    rates = Rates(Clock(), most_buckets=2)
    for name in ("하나", "둘", "셋"):
        rates.take([(name, Rate.each_minute(1))])
    assert len(rates) == 2
    rates.take([("하나", Rate.each_minute(1))])
    with pytest.raises(TooMany):
        rates.take([("셋", Rate.each_minute(1))])
