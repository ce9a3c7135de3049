"""What models cost, and what may be spent on them: quotas, spend, prices."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence, Set
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import BaseModel, Field

from llmflow.access.types import Account, Caller
from llmflow.api import auth
from llmflow.api.routes.console.bounds import Bounds
from llmflow.apps.types import AppUser
from llmflow.errors import UsageError
from llmflow.gateway.quotas.prices import AS_OF, LIST, Price
from llmflow.gateway.quotas.types import NANO, Period, Quota, Subject
from llmflow.wiring import Platform

router = APIRouter(tags=["spending"])

Dimension = Literal["day", "key", "account", "app", "end_user", "operation", "deployment", "model"]
_COLUMNS: dict[str, str] = {"key": "key_id", "account": "account_id", "app": "app_id", "end_user": "end_user_id"}
_MOST_ROWS = 10_000


class QuotaSetting(Bounds):
    """Of one subject."""

    subject: Subject
    subject_id: str = Field("", max_length=200, description="Id of the key, account, app, user; a group's name")


@dataclass(frozen=True, slots=True)
class QuotaState:
    """A quota and how it stands now. `name`: of its subject, as people call it. Calls under way count as used."""

    id: str
    subject: Subject
    subject_id: str
    name: str
    models: list[str] | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    budget_usd: float | None
    period: Period
    used_requests: int
    used_tokens: int
    used_usd: float
    renews_at: int  # Unix milliseconds: when the budget begins anew


@dataclass(frozen=True, slots=True)
class SpendRow:
    """`by`: the values it is summed for, `names`: as people call them. Tokens that nobody counted are estimates, in
    `estimated` of the requests."""

    by: dict[str, str]
    names: dict[str, str]
    requests: int
    failures: int
    estimated: int
    prompt_tokens: int
    completion_tokens: int
    usd: float


@dataclass(frozen=True, slots=True)
class SpendReport:
    since: str
    until: str
    rows: list[SpendRow]  # the dearest first


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """US dollars for a million tokens."""

    model: str
    input_usd: float
    output_usd: float
    is_own: bool  # set here; else from the list that ships with LLMFlow


class PriceSetting(BaseModel):
    input_usd: float = Field(ge=0, le=1_000_000)
    output_usd: float = Field(0, ge=0, le=1_000_000)


@dataclass(frozen=True, slots=True)
class Prices:
    as_of: str  # when the shipped list was put together
    prices: list[ModelPrice]


@router.get("/quotas")
async def quotas(request: Request) -> list[QuotaState]:
    """Every quota and what was used of it."""
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    found = await platform.quotas.all(caller.workspace_id)
    users = {one.quota.subject_id for one in found if one.quota.subject == "end_user"}
    names = await _names(platform, caller, users)
    return [_shown(one.quota, names, one.requests, one.tokens, one.nano_usd, one.renews_at) for one in found]


@router.put("/quotas")
async def set_quota(body: QuotaSetting, request: Request) -> QuotaState:
    """Sets what one subject may use from now on, in place of what it had; what it used so far counts."""
    caller = await auth.console_caller(request, needs="admin")
    platform = auth.platform_of(request)
    names = await _names(platform, caller, {body.subject_id} if body.subject == "end_user" else set())
    if body.subject in names and body.subject_id not in names[body.subject]:
        raise UsageError(f"There is no {body.subject} {body.subject_id}.", param="subject_id")
    await platform.quotas.put(
        caller.workspace_id,
        body.subject,
        body.subject_id,
        **body.model_dump(exclude={"subject", "subject_id"}),
    )
    standing = next(
        one
        for one in await platform.quotas.all(caller.workspace_id)
        if (one.quota.subject, one.quota.subject_id) == (body.subject, body.subject_id)
    )
    return _shown(standing.quota, names, standing.requests, standing.tokens, standing.nano_usd, standing.renews_at)


@router.delete("/quotas/{quota_id}", status_code=204)
async def delete_quota(quota_id: str, request: Request) -> None:
    caller = await auth.console_caller(request, needs="admin")
    await auth.platform_of(request).quotas.delete(caller.workspace_id, quota_id)


@router.get("/spend")
async def spend(
    request: Request,
    by: list[Dimension] = Query(["model"], max_length=8),
    since: date | None = None,
    until: date | None = None,
) -> SpendReport:
    """What models were used for from one day to another (UTC, both included; this month unless they are given)."""
    caller, first, last, rows = await _spent(request, by, since, until)
    users = {str(row["end_user_id"]) for row in rows[:_MOST_ROWS]} if "end_user" in by else set()
    names = await _names(auth.platform_of(request), caller, users)
    shown = [
        SpendRow(
            by={name: str(row[_COLUMNS.get(name, name)]) for name in by},
            names={
                name: names[name].get(str(row[_COLUMNS[name]]), "") for name in by if name in _COLUMNS and name in names
            },
            usd=row["nano_usd"] / NANO,
            **{name: row[name] for name in ("requests", "failures", "estimated", "prompt_tokens", "completion_tokens")},
        )
        for row in rows[:_MOST_ROWS]
    ]
    return SpendReport(_day(first), _day(last), shown)


@router.get("/spend.csv", response_class=Response)
async def spend_csv(
    request: Request,
    by: list[Dimension] = Query(["day", "model"], max_length=8),
    since: date | None = None,
    until: date | None = None,
) -> Response:
    """The same as a table for spreadsheets, not cut."""
    _, first, last, rows = await _spent(request, by, since, until)
    columns = [_COLUMNS.get(name, name) for name in by]
    sums = ["requests", "failures", "estimated", "prompt_tokens", "completion_tokens"]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([*columns, *sums, "usd"])
    for row in rows:
        usd = f"{row['nano_usd'] / NANO:.9f}"
        writer.writerow([*(_harmless(str(row[name])) for name in columns), *(row[name] for name in sums), usd])
    name = f"spend-{first}-{last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/prices")
async def prices(request: Request) -> Prices:
    """What models cost here: the workspace's own prices, and the list's for the others."""
    caller = await auth.console_caller(request, needs="admin")
    own = await auth.platform_of(request).quotas.prices(caller.workspace_id)
    found = {**LIST, **own}
    return Prices(AS_OF, [ModelPrice(name, one.input, one.output, one.is_own) for name, one in sorted(found.items())])


@router.put("/prices/{model:path}")
async def set_price(model: str, body: PriceSetting, request: Request) -> ModelPrice:
    """For exactly this name, from the next call on; what was spent stays as it was counted."""
    caller = await auth.console_caller(request, needs="admin")
    price = Price(body.input_usd, body.output_usd, is_own=True)
    await auth.platform_of(request).quotas.set_price(caller.workspace_id, model, price)
    return ModelPrice(model, price.input, price.output, True)


@router.delete("/prices/{model:path}", status_code=204)
async def reset_price(model: str, request: Request) -> None:
    """The list's price again, or none."""
    caller = await auth.console_caller(request, needs="admin")
    await auth.platform_of(request).quotas.set_price(caller.workspace_id, model, None)


async def _spent(
    request: Request, by: list[Dimension], since: date | None, until: date | None
) -> tuple[Caller, int, int, list[dict[str, Any]]]:
    caller = await auth.console_caller(request, needs="admin")
    kept = auth.platform_of(request).quotas
    last = _number(until) if until else kept.today()
    first = _number(since) if since else last // 100 * 100 + 1
    if first > last:
        raise UsageError("`since` comes after `until`.", param="since")
    rows = await kept.spent(caller.workspace_id, [_COLUMNS.get(name, name) for name in by], since=first, until=last)
    return caller, first, last, rows


async def _names(platform: Platform, caller: Caller, users: Set[str]) -> dict[str, dict[str, str]]:
    """What people call the subjects that have names here, by kind and id. `users`: those of apps that are asked for."""
    keys = await platform.keys.all(caller.workspace_id)
    people = await platform.members.all(caller.workspace_id)
    apps = await platform.apps.catalogue.all(caller.workspace_id)
    return {
        "key": {key.id: key.name or key.hint for key in keys},
        "account": {person.id: person.email for person in people},
        "app": {app.id: app.name for app in apps},
        "end_user": {
            one.id: _called(one, people)
            for one in (await platform.apps.catalogue.users(caller.workspace_id, users)).values()
        },
    }


def _called(user: AppUser, people: Sequence[Account]) -> str:
    """A visitor has no name: the first letters of what tells one from another stand for it."""
    name = user.external_id[:8] if user.source == "public" else user.external_id
    name = next((one.email for one in people if user.source == "account" and one.id == user.external_id), name)
    return f"{name} · {user.app}"


def _shown(
    quota: Quota, names: dict[str, dict[str, str]], requests: int, tokens: int, nano_usd: int, renews_at: int
) -> QuotaState:
    return QuotaState(
        id=quota.id,
        subject=quota.subject,
        subject_id=quota.subject_id,
        name=names.get(quota.subject, {}).get(quota.subject_id, quota.subject_id),
        models=None if quota.models is None else list(quota.models),
        requests_per_minute=quota.requests_per_minute,
        tokens_per_minute=quota.tokens_per_minute,
        budget_usd=None if quota.budget_nano_usd is None else quota.budget_nano_usd / NANO,
        period=quota.period,
        used_requests=requests,
        used_tokens=tokens,
        used_usd=nano_usd / NANO,
        renews_at=renews_at * 1000,
    )


def _number(day: date) -> int:
    return day.year * 10_000 + day.month * 100 + day.day


def _day(number: int) -> str:
    return f"{number // 10_000:04}-{number // 100 % 100:02}-{number % 100:02}"


def _harmless(text: str) -> str:
    """A spreadsheet runs what begins like a formula."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
