"""Wrong sign-ins of a client's address: slowed, told how long, bounded in memory."""

from __future__ import annotations

import pytest

from llmflow.access.attempts import Attempts
from llmflow.errors import TooMany


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def _fail(attempts: Attempts, address: str, times: int) -> None:
    for _ in range(times):
        attempts.begin(address)


def test_after_many_wrong_ones_an_address_waits_and_is_told_how_long() -> None:
    clock = Clock()
    attempts = Attempts(clock=clock)
    _fail(attempts, "192.0.2.1", 30)
    with pytest.raises(TooMany) as caught:
        attempts.begin("192.0.2.1")
    assert caught.value.code == "sign_in_paused"
    assert caught.value.wait_s == 10
    attempts.begin("192.0.2.2")
    clock.now = 10.0
    attempts.begin("192.0.2.1")
    with pytest.raises(TooMany):
        attempts.begin("192.0.2.1")


def test_right_ones_cost_nothing() -> None:
    attempts = Attempts(clock=Clock())
    for _ in range(100):
        attempts.begin("192.0.2.1")
        attempts.forgive("192.0.2.1")
    assert len(attempts) == 0


def test_many_at_once_get_no_further_than_one_after_the_other() -> None:
    attempts = Attempts(clock=Clock())
    _fail(attempts, "::ffff:192.0.2.1", 15)
    _fail(attempts, "192.0.2.1", 15)
    with pytest.raises(TooMany):
        attempts.begin("192.0.2.1")


def test_a_network_of_ipv6_is_one_address() -> None:
    attempts = Attempts(clock=Clock())
    for host in range(30):
        attempts.begin(f"2001:db8::{host:x}")
    with pytest.raises(TooMany):
        attempts.begin("2001:db8::ffff")
    attempts.begin("2001:db8:0:1::1")


def test_memory_is_bounded() -> None:
    attempts = Attempts(clock=Clock())
    for number in range(12_000):
        attempts.begin(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts) == 10_000
