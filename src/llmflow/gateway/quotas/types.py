"""Nouns of quotas. Money is kept in billionths of a US dollar (`nano_usd`): whole numbers that never round away."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from llmflow.gateway.asker import Asker

NANO = 1_000_000_000

#: Whom a quota binds. "account": a person who signed in; "end_user": a user of an app; "group": each person of it.
Subject = Literal["workspace", "key", "account", "end_user", "app", "group"]
SUBJECTS: tuple[Subject, ...] = ("workspace", "key", "account", "end_user", "app", "group")
Period = Literal["day", "month"]
Measure = Literal["requests", "tokens", "money"]


@dataclass(frozen=True, slots=True)
class Quota:
    """What one subject may use; None: no bound of that kind. `subject_id` "": the workspace itself.

    `models`: names it may ask for, with * for any letters. Minutes, days and months are those of UTC's calendar."""

    id: str
    workspace_id: str
    subject: Subject
    subject_id: str
    models: tuple[str, ...] | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    budget_nano_usd: int | None
    period: Period
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Window:
    """What is counted: one measure of a quota, from `start` (Unix seconds) on. `bound`: how much may be taken."""

    workspace_id: str
    quota_id: str
    measure: Measure
    start: int
    bound: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What was used in a day by everybody who is the same in every column. `day`: 20261126."""

    day: int
    workspace_id: str
    key_id: str
    account_id: str
    app_id: str
    end_user_id: str
    operation: str
    deployment: str
    model: str


@dataclass(slots=True)
class Sums:
    """`estimated`: requests whose tokens nobody counted. `failures`: those that did not end well, by whosever fault."""

    requests: int = 0
    failures: int = 0
    estimated: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    nano_usd: int = 0


def subjects(asker: Asker) -> Iterator[tuple[Subject, str]]:
    """Whom a call is counted for."""
    yield "workspace", ""
    if asker.key_id:
        yield "key", asker.key_id
    if asker.account_id:
        yield "account", asker.account_id
    if asker.app_id:
        yield "app", asker.app_id
    if asker.end_user_id:
        yield "end_user", asker.end_user_id
    for group in asker.groups:
        yield "group", group


def start_of(period: Literal["minute", "day", "month"], now: float) -> int:
    """When the minute, day or month of `now` began, in Unix seconds."""
    if period == "minute":
        return int(now) // 60 * 60
    if period == "day":
        return int(now) // 86_400 * 86_400
    return int(datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def end_of(period: Literal["minute", "day", "month"], now: float) -> int:
    """When the next one begins."""
    days = {"minute": 0, "day": 1, "month": 32}[period]
    return start_of(period, start_of(period, now) + (60 if not days else days * 86_400))


def day_of(now: float) -> int:
    """The day of UTC as a number: 20261126."""
    at = datetime.fromtimestamp(now, UTC)
    return at.year * 10_000 + at.month * 100 + at.day
