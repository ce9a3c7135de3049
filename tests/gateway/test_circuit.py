"""Circuit breakers, retry budgets and the choice of a deployment, tried with any history."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmflow.errors import LLMFlowError, NotFound, OrganError, TooMany, UsageError
from llmflow.gateway.choose import backoff_s, draw_for, in_order, judge, wait_s
from llmflow.gateway.circuit import Circuit, Condition, RetryBudget
from llmflow.gateway.types import Deployment, Leg
from llmflow.ports.llm import Llm, ModelInfo


def leg(name: str = "a", weight: float = 1.0, priority: int = 0) -> Leg:
    return Leg(Deployment(name, cast(Llm, None), ModelInfo("m")), Condition(), "m", weight, priority)


def failing(circuit: Circuit, times: int, now: float = 0.0) -> None:
    for _ in range(times):
        circuit.failed(now, probe=circuit.begin(now))


def test_five_failures_in_a_row_open_it_and_one_good_probe_closes_it() -> None:
    circuit = Circuit()
    failing(circuit, 4)
    assert circuit.phase(0) == "closed"
    failing(circuit, 1)
    assert (circuit.phase(0), circuit.allows(0), circuit.wait_s(0)) == ("open", False, 2.0)
    assert (circuit.phase(2), circuit.allows(2)) == ("half_open", True)
    assert circuit.begin(2)
    assert not circuit.allows(2)
    circuit.succeeded(2, probe=True)
    assert circuit.phase(2) == "closed"


def test_a_probe_that_fails_doubles_the_wait_up_to_a_minute() -> None:
    circuit, now, waits = Circuit(), 0.0, []
    failing(circuit, 5)
    for _ in range(8):
        waits.append(circuit.wait_s(now))
        now += waits[-1]
        circuit.failed(now, probe=circuit.begin(now))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60]


def test_a_probe_whose_caller_left_leaves_room_for_another() -> None:
    circuit = Circuit()
    failing(circuit, 5)
    circuit.left(probe=circuit.begin(2))
    assert circuit.allows(2)


def test_half_of_many_failing_opens_it_and_old_failures_count_no_more() -> None:
    circuit = Circuit()
    for number in range(18):
        (circuit.succeeded if number % 2 else circuit.failed)(0.0, probe=False)
    assert circuit.phase(0) == "closed"
    old = Circuit()
    for number in range(18):
        (old.succeeded if number % 2 else old.failed)(0.0, probe=False)
    old.failed(100.0, probe=False)
    old.failed(100.0, probe=False)
    assert old.phase(100) == "closed"
    circuit.succeeded(0, probe=False)
    circuit.failed(0, probe=False)
    assert circuit.phase(0) == "open"


@given(st.lists(st.tuples(st.sampled_from(["ok", "fail", "left"]), st.floats(0, 30)), max_size=80))
def test_whatever_happens_at_most_one_probe_is_under_way_and_it_is_always_tried_again(history: Any) -> None:
    circuit, now = Circuit(), 0.0
    for what, passed in history:
        now += passed
        if not circuit.allows(now):
            assert 0 < circuit.wait_s(now) <= 60
            continue
        probe = circuit.begin(now)
        assert not (probe and circuit.allows(now))
        {"ok": circuit.succeeded, "fail": circuit.failed}.get(what, lambda _, probe: circuit.left(probe=probe))(
            now, probe=probe
        )
    assert circuit.allows(now + 60)


@given(st.lists(st.booleans(), max_size=400))
def test_retries_never_exceed_a_fifth_of_the_traffic_and_ten(moves: list[bool]) -> None:
    budget, requests, retries = RetryBudget(), 0, 0
    for is_request in moves:
        if is_request:
            budget.earn()
            requests += 1
        else:
            retries += budget.take()
        assert retries <= 10 + requests * 0.2 + 1e-6


@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(0, 2), st.booleans()), min_size=1, max_size=8),
    st.sampled_from(["weighted", "least_busy", "fastest"]),
    st.integers(0, 2**32),
)
def test_every_order_holds_each_open_leg_once_by_priority(legs: Any, strategy: Any, seed: int) -> None:
    made = [leg(f"s{i}", weight, priority) for i, (weight, priority, _) in enumerate(legs)]
    for one, (_, _, is_open) in zip(made, legs, strict=True):
        if not is_open:
            one.condition.rest(0, 5)
    chance = random.Random(seed)
    found = in_order(made, strategy, now=1.0, draw=lambda _: chance.random())
    able = [one for one, (weight, _, is_open) in zip(made, legs, strict=True) if weight > 0 and is_open]
    assert {id(one) for one in found} == {id(one) for one in able}
    assert len(found) == len(able)
    assert [one.priority for one in found] == sorted(one.priority for one in found)


def test_weights_are_shares_of_the_traffic() -> None:
    legs, chance = [leg("main", 95), leg("canary", 5), leg("drained", 0)], random.Random(1)
    first = Counter(
        in_order(legs, "weighted", now=0, draw=lambda _: chance.random())[0].deployment.name for _ in range(20_000)
    )
    assert 0.045 < first["canary"] / 20_000 < 0.055
    assert "drained" not in first


def test_a_conversation_stays_and_only_the_lost_ones_move() -> None:
    legs = [leg(name) for name in "abc"]

    def home(key: str) -> str:
        return in_order(legs, "weighted", now=0, draw=lambda one: draw_for(key, one))[0].deployment.name

    def homes() -> dict[str, str]:
        return {key: home(key) for key in map(str, range(600))}

    before = homes()
    assert min(Counter(before.values()).values()) > 150
    legs[1].condition.rest(0, 9)
    after = homes()
    assert all(after[key] == was for key, was in before.items() if was != "b")
    assert {after[key] for key, was in before.items() if was == "b"} == {"a", "c"}


def test_the_idle_and_the_fast_come_first() -> None:
    busy, idle = leg("busy"), leg("idle")
    busy.condition.in_flight = 3
    assert in_order([busy, idle], "least_busy", now=0, draw=lambda _: 0.5)[0] is idle
    slow, quick = leg("slow"), leg("quick")
    slow.condition.answered(0, 2.0)
    quick.condition.answered(0, 0.1)
    assert in_order([slow, quick], "fastest", now=0, draw=lambda _: 0.5)[0] is quick
    assert slow.condition.latency_s(600) < 0.001  # so that it is tried again


def test_waiting_ends_with_the_first_that_may_be_asked() -> None:
    legs = [leg("a"), leg("b")]
    legs[0].condition.rest(0, 30)
    legs[1].condition.rest(0, 7)
    assert wait_s(legs, 1) == 6


def _busy(wait: int) -> TooMany:
    error = TooMany("busy")
    error.wait_s = wait
    return error


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (OrganError("gone"), "again"),
        (OrganError("500", code="model_failed"), "again"),
        (OrganError("slow", code="model_timeout"), "elsewhere"),
        (OrganError("key", code="model_key_wrong"), "elsewhere"),
        (NotFound("?", code="model_unknown"), "elsewhere"),
        (_busy(1), "again"),
        (_busy(60), "elsewhere"),
        (UsageError("long", code="context_too_long"), "context"),
        (UsageError("bad"), "final"),
    ],
)
def test_what_a_failure_means(error: LLMFlowError, verdict: str) -> None:
    assert judge(error) == verdict


def test_a_pause_doubles_and_is_never_shorter_than_asked_for() -> None:
    assert [backoff_s(tries, OrganError("x"), 0.5) for tries in (1, 2, 3)] == [0.1, 0.2, 0.4]
    assert backoff_s(1, _busy(3), 0.5) == 3
