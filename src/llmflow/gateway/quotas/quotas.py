"""Lets calls of models through, or says what stands in the way: the gateway's limits, kept by administrators."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from typing import Any

from llmflow.errors import Forbidden, NotFound, TooMany, UsageError
from llmflow.gateway.quotas import queries
from llmflow.gateway.quotas.ledger import Ledger
from llmflow.gateway.quotas.prices import Price, price_of
from llmflow.gateway.quotas.spend import Spend
from llmflow.gateway.quotas.types import (
    NANO,
    SUBJECTS,
    Measure,
    Period,
    Quota,
    Subject,
    Window,
    day_of,
    end_of,
    start_of,
    subjects,
)
from llmflow.gateway.types import Call, Tell, UsageRecord
from llmflow.store import news
from llmflow.store.database import Database
from llmflow.store.ids import new_id, now_ms

_FRESH_S = 5.0  # a quota changed by another process holds here after this, should its word not come
_ANSWER_TOKENS = 256  # taken for an answer whose length nobody bounded; the rest is settled after it
_IN_WORDS = ("chat", "completions", "responses")
_KEEP_WINDOWS_S = 400 * 86_400


@dataclass(frozen=True, slots=True)
class _Rules:
    until: float
    quotas: dict[tuple[Subject, str], Quota]
    prices: dict[str, Price]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a quota stands now: what was used of each bound in this minute, day or month."""

    quota: Quota
    requests: int
    tokens: int
    nano_usd: int
    renews_at: int  # Unix seconds: when the budget begins anew


class Quotas:
    """`clock`: Unix seconds. `tell`: other processes, that a workspace's quotas or prices have changed."""

    def __init__(
        self, database: Database, *, clock: Callable[[], float] = time.time, tell: news.Tell = news.nobody
    ) -> None:
        self._database = database
        self._clock = clock
        self._tell = tell
        self._ledger = Ledger(database)
        self.spend = Spend(database, clock=clock)
        self._rules: dict[str, _Rules] = {}
        self._loading: dict[str, asyncio.Task[_Rules]] = {}
        self._changes = 0  # what was read before a change is not kept after it

    # the gateway's side

    async def ask(self, call: Call) -> Tell:
        """Raises TooMany (rate_limited, budget_exceeded), Forbidden (model_not_allowed), and OrganError when what was
        used cannot be counted."""
        asker = call.asker
        rules = self._rules.get(asker.workspace_id)
        if rules is None:
            rules = await self._load(asker.workspace_id)
        elif rules.until < time.monotonic():
            self._load_later(asker.workspace_id)
        taken: list[tuple[Window, int]] = []
        if rules.quotas:
            bound = [found for who in subjects(asker) if (found := rules.quotas.get(who))]
            for quota in bound:
                if quota.models is not None and not any(fnmatchcase(call.model, one) for one in quota.models):
                    raise _not_allowed(call.model, quota)
            await self._take(bound, call, rules, taken)

        def tell(record: UsageRecord) -> None:
            tokens = record.prompt_tokens + record.completion_tokens
            price = rules.prices.get(call.model) or price_of(record.model, rules.prices)
            cost = price.nano_usd(record.prompt_tokens, record.completion_tokens)
            used: dict[Measure, int] = {"requests": 1, "tokens": tokens, "money": cost}
            for window, amount in taken:
                self._ledger.settle(window, amount, used[window.measure])
            self.spend.add(asker, record, cost)

        return tell

    async def _take(self, bound: Sequence[Quota], call: Call, rules: _Rules, taken: list[tuple[Window, int]]) -> None:
        """Out of every window, or out of none."""
        now = self._clock()
        answer = _ANSWER_TOKENS if call.max_tokens is None else call.max_tokens
        answer = answer if call.operation in _IN_WORDS else 0
        cost = _cost_at_most(call, rules.prices, answer)
        amounts: dict[Measure, int] = {"requests": 1, "tokens": call.prompt_tokens + answer, "money": cost}
        try:
            for quota in bound:
                for window in _windows(quota, now):
                    amount = max(1, amounts[window.measure])  # what seems free is still asked for: it may not be
                    if not await self._ledger.take(window, amount):
                        raise _refusal(quota, window, amount, now)
                    taken.append((window, amount))
        except BaseException:
            for window, amount in taken:
                self._ledger.settle(window, amount, 0)
            raise

    async def _load(self, workspace_id: str) -> _Rules:
        return await asyncio.shield(self._load_later(workspace_id))

    def _load_later(self, workspace_id: str) -> asyncio.Task[_Rules]:
        loading = self._loading.get(workspace_id)
        if loading is None:
            loading = self._loading[workspace_id] = asyncio.create_task(self._read(workspace_id))
            loading.add_done_callback(partial(self._loaded, workspace_id))
        return loading

    def _loaded(self, workspace_id: str, done: asyncio.Task[_Rules]) -> None:
        if self._loading.get(workspace_id) is done:
            del self._loading[workspace_id]
        if not done.cancelled():
            done.exception()  # who waited for it has it

    def forget(self, workspace_id: str) -> None:
        """The next call reads what holds now."""
        self._changes += 1
        self._rules.pop(workspace_id, None)
        self._loading.pop(workspace_id, None)

    def _changed(self, workspace_id: str) -> None:
        self.forget(workspace_id)
        self._tell("quotas", workspace_id)

    async def _read(self, workspace_id: str) -> _Rules:
        changes = self._changes
        async with self._database.read() as connection:
            quotas = await queries.all_quotas(connection, workspace_id)
            prices = await queries.own_prices(connection, workspace_id)
        by_subject = {(quota.subject, quota.subject_id): quota for quota in quotas}
        rules = _Rules(time.monotonic() + _FRESH_S, by_subject, prices)
        if changes == self._changes:
            self._rules[workspace_id] = rules
        return rules

    # the administrators' side

    async def all(self, workspace_id: str) -> list[Standing]:
        """Every quota and how it stands: what was taken, calls under way included."""
        now = self._clock()
        async with self._database.read() as connection:
            quotas = await queries.all_quotas(connection, workspace_id)
            ids = [one.id for one in quotas]
            month, minute = start_of("month", now), start_of("minute", now)
            windows = await queries.taken_of(connection, ids, month=month, minute=minute)
        used = {(each.quota_id, each.measure, each.start): each.bound for each in windows}
        return [
            Standing(
                quota=one,
                requests=used.get((one.id, "requests", start_of("minute", now)), 0),
                tokens=used.get((one.id, "tokens", start_of("minute", now)), 0),
                nano_usd=used.get((one.id, "money", start_of(one.period, now)), 0),
                renews_at=end_of(one.period, now),
            )
            for one in quotas
        ]

    async def put(
        self,
        workspace_id: str,
        subject: Subject,
        subject_id: str,
        *,
        models: Sequence[str] | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        budget_usd: float | None = None,
        period: Period = "month",
    ) -> Quota:
        """Sets what a subject may use, for the next call on; what it used before still counts. Raises UsageError."""
        if subject not in SUBJECTS or (subject == "workspace") != (subject_id == ""):
            raise UsageError(
                "A quota is for the workspace, or for one key, account, user, app or group.", param="subject"
            )
        if models is None and requests_per_minute is None and tokens_per_minute is None and budget_usd is None:
            raise UsageError("A quota bounds something: models, requests, tokens or money.", param="models")
        now = now_ms()
        async with self._database.write() as connection:
            there = await queries.all_quotas(connection, workspace_id)
            before = next((one for one in there if (one.subject, one.subject_id) == (subject, subject_id)), None)
            quota = Quota(
                id=before.id if before else new_id(),
                workspace_id=workspace_id,
                subject=subject,
                subject_id=subject_id,
                models=None if models is None else tuple(models),
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
                budget_nano_usd=None if budget_usd is None else round(budget_usd * NANO),
                period=period,
                created_at=before.created_at if before else now,
                updated_at=now,
            )
            await queries.put_quota(connection, quota)
            await queries.forget_windows(connection, int(self._clock()) - _KEEP_WINDOWS_S)
        self._changed(workspace_id)
        return quota

    async def delete(self, workspace_id: str, quota_id: str) -> None:
        """Raises NotFound."""
        async with self._database.write() as connection:
            if not await queries.delete_quota(connection, workspace_id, quota_id):
                raise NotFound(f"There is no quota {quota_id}.", param="quota")
        self._changed(workspace_id)

    async def prices(self, workspace_id: str) -> dict[str, Price]:
        """The workspace's own."""
        async with self._database.read() as connection:
            return await queries.own_prices(connection, workspace_id)

    async def set_price(self, workspace_id: str, model: str, price: Price | None) -> None:
        """For calls from now on; None: the list's again."""
        async with self._database.write() as connection:
            await queries.put_price(connection, workspace_id, model, price and replace(price, is_own=True))
        self._changed(workspace_id)

    async def spent(self, workspace_id: str, by: Sequence[str], *, since: int, until: int) -> list[dict[str, Any]]:
        """As `queries.spent`, with what was not written yet."""
        await self.spend.flush()
        async with self._database.read() as connection:
            return await queries.spent(connection, workspace_id, by, since, until)

    def today(self) -> int:
        return day_of(self._clock())

    async def close(self) -> None:
        await asyncio.gather(*self._loading.values(), return_exceptions=True)
        await self._ledger.close()
        await self.spend.close()


def _cost_at_most(call: Call, own: Mapping[str, Price], answer_tokens: int) -> int:
    """By the price that the name has, else the dearest of those models that may answer; what the call then costs is
    settled after it."""
    known = own.get(call.model)
    prices = [known] if known else [price_of(model, own) for model in call.models or (call.model,)]
    return max(price.nano_usd(call.prompt_tokens, answer_tokens) for price in prices)


def _windows(quota: Quota, now: float) -> list[Window]:
    minute, found = start_of("minute", now), []
    if quota.requests_per_minute is not None:
        found.append(Window(quota.workspace_id, quota.id, "requests", minute, quota.requests_per_minute))
    if quota.tokens_per_minute is not None:
        found.append(Window(quota.workspace_id, quota.id, "tokens", minute, quota.tokens_per_minute))
    if quota.budget_nano_usd is not None:
        found.append(Window(quota.workspace_id, quota.id, "money", start_of(quota.period, now), quota.budget_nano_usd))
    return found


_WHOSE: dict[Subject, str] = {
    "workspace": "this workspace",
    "key": "this key",
    "account": "this account",
    "end_user": "this user",
    "app": "this app",
    "group": "this group",
}


def _refusal(quota: Quota, window: Window, amount: int, now: float) -> TooMany:
    whose = _WHOSE[quota.subject]
    if window.measure == "money":
        renews = end_of(quota.period, now)
        day = datetime.fromtimestamp(renews, UTC).strftime("%Y-%m-%d")
        error = TooMany(
            f"The budget of {whose} is used up: ${window.bound / NANO:.2f} a {quota.period}.",
            code="budget_exceeded",
            hint=f"It begins anew on {day} (UTC); an administrator can raise it.",
        )
        error.wait_s = max(1, int(renews - now))
        return error
    what = "requests" if window.measure == "requests" else "tokens"
    error = TooMany(f"The limit of {whose} is reached: {window.bound:,} {what} a minute.", code="rate_limited")
    error.wait_s = max(1, int(end_of("minute", now) - now))
    if amount > window.bound:
        error.hint = "The request alone is larger than the limit: ask for a shorter answer, or have the limit raised."
    return error


def _not_allowed(model: str, quota: Quota) -> Forbidden:
    names = ", ".join(quota.models or ()) or "none"
    return Forbidden(
        f"The model '{model}' is not open to {_WHOSE[quota.subject]}.",
        code="model_not_allowed",
        hint=f"Open to it: {names}. An administrator can change that.",
        param="model",
    )
