"""Triggers of workflows: webhooks and schedules of the version in force. They are made by publishing."""

from __future__ import annotations

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from llmflow.access.types import Caller
from llmflow.api import auth
from llmflow.api.routes.console.runs import RunRef
from llmflow.apps.designs.plans import Compiled
from llmflow.apps.triggers.types import Delivery, Trigger
from llmflow.apps.triggers.view import TriggerView, view
from llmflow.apps.types import App
from llmflow.errors import NotFound
from llmflow.store.ids import now_ms
from llmflow.wiring import Platform

router = APIRouter(tags=["triggers"])


class ChangedTrigger(BaseModel):
    """Left out: as it is. `needs_secret` false opens a webhook to whoever knows its address."""

    is_on: bool | None = None
    needs_secret: bool | None = None


class MadeSecret(BaseModel):
    secret: str


@router.get("/apps/{app}/triggers")
async def list_triggers(app: str, request: Request) -> list[TriggerView]:
    """Those of the version in force; none before the first is published."""
    platform, found, _ = await _app(request, app)
    try:
        compiled = await platform.apps.plans.in_force(found)
    except NotFound:
        return []
    triggers = await platform.apps.triggers.all(found, compiled.document)
    return [await _view(platform, trigger, compiled) for trigger in triggers]


@router.patch("/apps/{app}/triggers/{trigger_id}")
async def change_trigger(app: str, trigger_id: str, body: ChangedTrigger, request: Request) -> TriggerView:
    """Switches it on or off. A schedule that is switched on makes up for nothing it missed while it was off."""
    platform, found, _ = await _app(request, app)
    compiled = await platform.apps.plans.in_force(found)
    changed = await platform.apps.triggers.change(
        found, trigger_id, compiled.document, is_on=body.is_on, needs_secret=body.needs_secret
    )
    return await _view(platform, changed, compiled)


@router.post("/apps/{app}/triggers/{trigger_id}/secret")
async def renew_secret(app: str, trigger_id: str, request: Request) -> MadeSecret:
    """A new secret for a webhook, shown this once. The old one opens nothing from now on."""
    platform, found, _ = await _app(request, app)
    return MadeSecret(secret=await platform.apps.triggers.renew_secret(found, trigger_id))


@router.post("/apps/{app}/triggers/{trigger_id}/address")
async def renew_address(app: str, trigger_id: str, request: Request) -> TriggerView:
    """A new address for a webhook. The old one leads nowhere from now on."""
    platform, found, _ = await _app(request, app)
    compiled = await platform.apps.plans.in_force(found)
    return await _view(platform, await platform.apps.triggers.renew_code(found, trigger_id), compiled)


@router.get("/apps/{app}/triggers/{trigger_id}/deliveries")
async def list_deliveries(
    app: str, trigger_id: str, request: Request, limit: int = Query(20, ge=1, le=200)
) -> list[Delivery]:
    """What came to it, the newest first: calls that started a run and calls that were refused."""
    platform, found, _ = await _app(request, app)
    trigger = await platform.apps.triggers.get(found, trigger_id)
    return await platform.apps.deliveries.newest(trigger, limit)


@router.post("/apps/{app}/triggers/{trigger_id}/run")
async def run_trigger(app: str, trigger_id: str, request: Request) -> RunRef:
    """Runs at once what a schedule would run; its next time stays."""
    platform, found, caller = await _app(request, app)
    live = await platform.apps.schedules.run_now(found, trigger_id, account_id=caller.account_id)
    return RunRef(run_id=live.run.id, task_id=live.run.task_id)


async def _app(request: Request, id_or_name: str) -> tuple[Platform, App, Caller]:
    """Addresses of webhooks are not for everybody."""
    caller = await auth.console_caller(request, needs="editor")
    platform = auth.platform_of(request)
    return platform, await platform.apps.catalogue.get(caller.workspace_id, id_or_name), caller


async def _view(platform: Platform, trigger: Trigger, compiled: Compiled) -> TriggerView:
    newest = await platform.apps.deliveries.newest(trigger, 1)
    return view(trigger, compiled.plan.nodes.get(trigger.node_id), newest[0] if newest else None, now_ms())
