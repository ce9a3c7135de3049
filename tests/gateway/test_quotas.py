"""Quotas: exact under concurrency and over processes, settled after each call, refused with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from llmflow.errors import Forbidden, LLMFlowError, OrganError, TooMany, UsageError
from llmflow.gateway.asker import Asker
from llmflow.gateway.quotas.ledger import Ledger
from llmflow.gateway.quotas.prices import FREE, LIST, Price, price_of
from llmflow.gateway.quotas.quotas import Quotas
from llmflow.gateway.quotas.types import NANO, Window, end_of, start_of
from llmflow.gateway.types import Call, Operation, Tell, UsageRecord
from llmflow.store.database import Database

NOW = datetime(2026, 11, 26, 1, 2, 30, tzinfo=UTC).timestamp()
KEY = Asker(workspace_id="w", key_id="k1", app_id="a1", end_user_id="u1", groups=("재무팀",))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@asynccontextmanager
async def open_quotas(database: Database, clock: Clock) -> AsyncIterator[Quotas]:
    opened = Quotas(database, clock=clock)
    try:
        yield opened
    finally:
        await opened.close()


@pytest.fixture
async def quotas(database: Database, clock: Clock) -> AsyncIterator[Quotas]:
    async with open_quotas(database, clock) as opened:
        yield opened


def call(model: str = "gpt-4o", *, who: Asker = KEY, prompt: int = 10, most: int | None = 20) -> Call:
    return Call("chat", model, who, prompt, most)


def used(model: str = "gpt-4o", prompt: int = 10, completion: int = 20, outcome: str = "ok") -> UsageRecord:
    return UsageRecord("chat", "default", model, prompt, completion, False, outcome, 0.1)


async def ask_only(quotas: Quotas, asked: Call) -> Tell | None:
    """Let through and still under way, or refused."""
    try:
        return await quotas.ask(asked)
    except TooMany:
        return None


async def goes_through(quotas: Quotas, asked: Call, record: UsageRecord | None = None) -> bool:
    try:
        tell = await quotas.ask(asked)
    except TooMany:
        return False
    await asyncio.sleep(0)
    tell(record or used(asked.model))
    return True


async def test_where_nobody_set_a_quota_everything_goes_through_and_is_counted(quotas: Quotas) -> None:
    assert await goes_through(quotas, call())
    [row] = await quotas.spent("w", ["key_id", "model"], since=20261101, until=20261130)
    assert (row["key_id"], row["model"], row["requests"], row["prompt_tokens"], row["completion_tokens"]) == (
        "k1",
        "gpt-4o",
        1,
        10,
        20,
    )
    assert row["nano_usd"] == (10 * 2500 + 20 * 10000)


@pytest.mark.parametrize("limit", [1, 7, 100])
async def test_exactly_so_many_requests_a_minute_pass_of_200_at_once(quotas: Quotas, clock: Clock, limit: int) -> None:
    await quotas.put("w", "key", "k1", requests_per_minute=limit)
    passed = await asyncio.gather(*(goes_through(quotas, call()) for _ in range(200)))
    assert sum(passed) == limit
    with pytest.raises(TooMany) as caught:
        await quotas.ask(call())
    assert (caught.value.code, caught.value.wait_s) == ("rate_limited", 30)
    clock.now += 30
    assert await goes_through(quotas, call())


async def test_two_processes_share_a_budget_to_the_last_cent(database: Database, clock: Clock) -> None:
    """200 requests at once in two processes; each costs a cent of a dollar, the call's own estimate is exact."""
    async with open_quotas(database, clock) as one, open_quotas(database, clock) as other:
        await one.put("w", "app", "a1", budget_usd=1.0)
        await one.set_price("w", "m", Price(1000.0, 0.0))
        asked, record = call("m", prompt=10, most=0), used("m", 10, 0)
        passed = await asyncio.gather(
            *(goes_through(quotas, asked, record) for quotas in (one, other) for _ in range(100))
        )
        assert sum(passed) == 100
        [standing] = await one.all("w")
        assert standing.nano_usd == NANO
        with pytest.raises(TooMany) as caught:
            await other.ask(asked)
        assert caught.value.code == "budget_exceeded"
        assert "$1.00" in caught.value.message and "2026-12-01" in caught.value.hint
        spent = await one.spent("w", ["app_id"], since=20261126, until=20261126)
        spent = await other.spent("w", ["app_id"], since=20261126, until=20261126)
        assert [(row["app_id"], row["requests"], row["nano_usd"]) for row in spent] == [("a1", 100, NANO)]


async def test_what_a_call_did_not_use_serves_the_next(quotas: Quotas) -> None:
    await quotas.put("w", "key", "k1", tokens_per_minute=1000)
    assert await goes_through(quotas, call(prompt=100, most=900), used(prompt=100, completion=50))
    assert not await goes_through(quotas, call(prompt=100, most=800))
    assert await goes_through(quotas, call(prompt=100, most=750), used(prompt=100, completion=750))
    assert not await goes_through(quotas, call(prompt=1, most=0))


async def test_what_a_call_used_too_much_counts_too(quotas: Quotas) -> None:
    await quotas.put("w", "key", "k1", tokens_per_minute=1000)
    assert await goes_through(quotas, call(prompt=10, most=None), used(prompt=10, completion=5000))
    assert not await goes_through(quotas, call(prompt=1, most=0))


async def test_what_seemed_free_ends_with_the_budget_too(quotas: Quotas) -> None:
    """A name nobody has a price for, answered by a model that costs: known only after the call."""
    await quotas.put("w", "key", "k1", budget_usd=0.001)
    asked, dear = call("빠른-모델", prompt=0, most=0), used("gpt-4o", prompt=1000, completion=0)
    assert await goes_through(quotas, asked, dear)
    assert not await goes_through(quotas, asked, dear)
    await quotas._ledger._give_back(list(quotas._ledger._held))
    assert not await goes_through(quotas, asked, dear)


async def test_a_route_without_a_price_takes_what_its_dearest_deployment_costs(quotas: Quotas) -> None:
    """Ten requests at once: those under way count by what they may cost, not by the name, which has no price."""
    await quotas.put("w", "key", "k1", budget_usd=0.01)
    behind = ("gpt-4o-mini", "gpt-4o")  # 2.50 dollars a million tokens, so 0.0025 for each request
    asked = replace(call("빠른-모델", prompt=1000, most=0), models=behind)
    through = [await ask_only(quotas, asked) for _ in range(10)]
    assert [tell is not None for tell in through] == [True] * 4 + [False] * 6
    for tell in through[:4]:
        assert tell is not None
        tell(used("gpt-4o-mini", prompt=1000, completion=0))  # the cheaper one answered: 0.00015 each
    assert await goes_through(quotas, asked, used("gpt-4o", prompt=1000, completion=0))
    await quotas.set_price("w", "빠른-모델", Price(20.0))
    assert not await goes_through(quotas, asked), "its own price comes first"


@pytest.mark.parametrize("operation", ["chat", "completions", "responses"])
async def test_whatever_answers_in_words_takes_room_for_them(quotas: Quotas, operation: Operation) -> None:
    await quotas.put("w", "key", "k1", tokens_per_minute=100)
    assert not await goes_through(quotas, replace(call(prompt=50, most=51), operation=operation))
    assert await goes_through(quotas, replace(call(prompt=50, most=50), operation=operation))


async def test_a_call_that_failed_costs_only_what_it_used(quotas: Quotas) -> None:
    await quotas.put("w", "key", "k1", tokens_per_minute=100)
    assert await goes_through(quotas, call(prompt=50, most=50), used(prompt=0, completion=0, outcome="model_timeout"))
    assert await goes_through(quotas, call(prompt=50, most=50))
    [row] = await quotas.spent("w", ["day"], since=20261126, until=20261126)
    assert (row["requests"], row["failures"]) == (2, 1)


async def test_a_refusal_takes_from_no_other_quota(quotas: Quotas) -> None:
    await quotas.put("w", "workspace", "", requests_per_minute=10)
    await quotas.put("w", "group", "재무팀", requests_per_minute=1)
    assert await goes_through(quotas, call())
    for _ in range(5):
        assert not await goes_through(quotas, call())
    other = Asker(workspace_id="w", key_id="k2")
    assert [await goes_through(quotas, call(who=other)) for _ in range(10)] == [True] * 9 + [False]


async def test_a_key_asks_only_for_its_models(quotas: Quotas) -> None:
    await quotas.put("w", "key", "k1", models=["gpt-4o*", "로컬-모델"])
    assert await goes_through(quotas, call("gpt-4o-mini"))
    assert await goes_through(quotas, call("로컬-모델"))
    with pytest.raises(Forbidden) as caught:
        await quotas.ask(call("o3"))
    assert caught.value.code == "model_not_allowed" and "로컬-모델" in caught.value.hint
    assert await goes_through(quotas, call("o3", who=Asker(workspace_id="w", key_id="k2")))


async def test_a_request_larger_than_the_limit_says_so(quotas: Quotas) -> None:
    await quotas.put("w", "key", "k1", tokens_per_minute=100)
    with pytest.raises(TooMany, match="100 tokens") as caught:
        await quotas.ask(call(prompt=200, most=0))
    assert "alone is larger" in caught.value.hint


async def test_a_quota_changed_keeps_what_was_used(quotas: Quotas) -> None:
    first = await quotas.put("w", "key", "k1", requests_per_minute=2)
    assert [await goes_through(quotas, call()) for _ in range(3)] == [True, True, False]
    assert (await quotas.put("w", "key", "k1", requests_per_minute=3)).id == first.id
    assert [await goes_through(quotas, call()) for _ in range(2)] == [True, False]
    await quotas.delete("w", first.id)
    assert await goes_through(quotas, call())


@pytest.mark.parametrize("given", [{"subject": "key", "subject_id": ""}, {"subject": "workspace", "subject_id": "x"}])
async def test_a_quota_is_for_somebody(quotas: Quotas, given: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        await quotas.put("w", given["subject"], given["subject_id"], requests_per_minute=1)  # type: ignore[arg-type]


async def test_a_quota_bounds_something(quotas: Quotas) -> None:
    with pytest.raises(UsageError):
        await quotas.put("w", "key", "k1")


async def test_what_lies_idle_is_given_back_to_other_processes(database: Database) -> None:
    window = Window("w", "q", "requests", 0, 160)
    one, other = Ledger(database), Ledger(database)
    assert await one.take(window, 1)  # and nine more with it
    await one.close()
    assert [await other.take(window, 1) for _ in range(160)] == [True] * 159 + [False]
    await other.close()


async def test_a_dead_process_can_only_lose_what_it_held(database: Database) -> None:
    """It took blocks and never gave them back: others get less, never more than the bound."""
    window = Window("w", "q", "requests", 0, 100)
    dead, alive = Ledger(database), Ledger(database)
    taken = sum([await dead.take(window, 1) for _ in range(10)])
    passed = sum([await alive.take(window, 1) for _ in range(200)])
    assert taken == 10 and 100 - taken - 6 <= passed <= 100 - taken
    await alive.close()


async def test_what_was_overdrawn_waits_for_a_database_that_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    window, ledger = Window("w", "q", "tokens", 0, 100), Ledger(database)
    assert await ledger.take(window, 10)
    ledger.settle(window, 10, 500)
    with monkeypatch.context() as broken:
        broken.setattr(database, "write", Away().write)
        await ledger._give_back([window])
    assert not await ledger.take(window, 1)
    await ledger.close()
    assert not await Ledger(database).take(window, 1)


class Away:
    """A database that does not answer."""

    def write(self) -> None:
        raise OrganError("The database does not answer.")


async def test_what_cannot_be_counted_does_not_pass() -> None:
    with pytest.raises(LLMFlowError):
        await Ledger(Away()).take(Window("w", "q", "money", 0, 100), 1)  # type: ignore[arg-type]


async def test_spend_waits_for_a_database_that_is_away(quotas: Quotas, monkeypatch: pytest.MonkeyPatch) -> None:
    from llmflow.gateway.quotas import queries

    real, is_away = queries.add_spent, True

    async def add(*given: object) -> None:
        if is_away:
            raise OrganError("The database does not answer.")
        await real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(queries, "add_spent", add)
    assert await goes_through(quotas, call())
    await quotas.spend.flush()
    assert await goes_through(quotas, call())
    is_away = False
    [row] = await quotas.spent("w", ["model"], since=20261126, until=20261126)
    assert row["requests"] == 2


def test_prices_fit_names_as_providers_write_them() -> None:
    assert price_of("gpt-4o-mini-2024-07-18", {}) == LIST["gpt-4o-mini"]
    assert price_of("openai/gpt-4o", {}) == LIST["gpt-4o"]
    assert price_of("gpt-4omni", {}) == FREE
    assert price_of("smollm2-135m", {}) == FREE
    assert price_of("gpt-4o", {"gpt-4o": Price(1.0, 2.0, is_own=True)}) == Price(1.0, 2.0, is_own=True)
    assert Price(2.5, 10.0).nano_usd(1_000_000, 1_000_000) == 12_500_000_000


def test_windows_are_those_of_the_calendar() -> None:
    at = datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(end_of("month", at), UTC) == datetime(2027, 1, 1, tzinfo=UTC)
    assert datetime.fromtimestamp(end_of("day", at), UTC) == datetime(2027, 1, 1, tzinfo=UTC)
    assert end_of("minute", at) - start_of("minute", at) == 60
    assert datetime.fromtimestamp(start_of("month", at), UTC) == datetime(2026, 12, 1, tzinfo=UTC)
