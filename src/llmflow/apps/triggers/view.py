"""A trigger for people to look at: what it waits for, and what came of it last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from llmflow.apps.triggers.types import Delivery, Trigger, TriggerKind
from llmflow.workflow import cron
from llmflow.workflow.graph import Node
from llmflow.workflow.nodes.trigger_schedule import ScheduleData
from llmflow.workflow.nodes.trigger_webhook import Parameter, WebhookData

_UPCOMING = 5


@dataclass(frozen=True, slots=True)
class Declared:
    """A part of a call that the webhook's workflow reads."""

    where: Literal["header", "query", "body"]
    name: str
    type: str
    required: bool


@dataclass(frozen=True, slots=True)
class WebhookView:
    """`path`: behind this server's address; `debug_path`: the same, running the draft."""

    path: str
    debug_path: str
    method: str
    content_type: str
    declared: list[Declared]
    needs_secret: bool
    has_secret: bool


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """`cron`: what was chosen in an editor too. `next_at` None: it is off. `upcoming`: the next five times."""

    cron: str
    timezone: str
    next_at: int | None
    upcoming: list[int]


@dataclass(frozen=True, slots=True)
class TriggerView:
    """`problem`: why it cannot fire, "" when it can. One of `webhook` and `schedule` is there, unless it cannot be
    read. `last`: what came to it last."""

    id: str
    kind: TriggerKind
    node_id: str
    title: str
    is_on: bool
    problem: str
    webhook: WebhookView | None
    schedule: ScheduleView | None
    last: Delivery | None


def view(trigger: Trigger, node: Node | None, last: Delivery | None, now_ms: int) -> TriggerView:
    data = node.data if node else None
    return TriggerView(
        id=trigger.id,
        kind=trigger.kind,
        node_id=trigger.node_id,
        title=node.title if node else "",
        is_on=trigger.is_on,
        problem=node.flaw if node else "The version in force has no such node.",
        webhook=_webhook(trigger, data) if isinstance(data, WebhookData) else None,
        schedule=_schedule(trigger, data, now_ms) if isinstance(data, ScheduleData) else None,
        last=last,
    )


def _webhook(trigger: Trigger, data: WebhookData) -> WebhookView:
    return WebhookView(
        path=f"/triggers/webhook/{trigger.code}",
        debug_path=f"/triggers/webhook-debug/{trigger.code}",
        method=data.method.upper(),
        content_type=data.content_type,
        declared=[*_declared("header", data.headers), *_declared("query", data.params), *_declared("body", data.body)],
        needs_secret=trigger.needs_secret,
        has_secret=trigger.sealed_secret is not None,
    )


def _declared(where: Literal["header", "query", "body"], parts: Sequence[Parameter]) -> list[Declared]:
    return [Declared(where, part.name, part.type, part.required) for part in parts]


def _schedule(trigger: Trigger, data: ScheduleData, now_ms: int) -> ScheduleView:
    return ScheduleView(
        cron=data.cron,
        timezone=data.timezone,
        next_at=trigger.next_at,
        upcoming=list(islice(cron.due(data.cron, data.timezone, after=now_ms), _UPCOMING)),
    )
