"""The state of the platform: organs, settings, models."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request

from llmflow import __version__, catalog
from llmflow.api import auth
from llmflow.config import settings as config
from llmflow.ports.health import Health

router = APIRouter(tags=["system"])


@dataclass(frozen=True, slots=True)
class OrganState:
    port: str
    use: str
    kind: str
    milliseconds: float
    health: Health


@dataclass(frozen=True, slots=True)
class Doctor:
    version: str
    organs: list[OrganState]
    found: list[dict[str, Any]]  # model servers that answer on this machine: kind, url, models


@dataclass(frozen=True, slots=True)
class SettingValue:
    key: str
    type: str
    default: Any
    value: Any  # None for a secret that is set
    help: str


@router.get("/doctor")
async def doctor(request: Request) -> Doctor:
    """Asks every organ how it is, and looks for model servers on this machine."""
    await auth.console_caller(request)
    platform = auth.platform_of(request)
    states, found = await platform.examine()
    organs = []
    for port, (health, milliseconds) in states.items():
        use = platform.settings.organs[port].use
        adapter = catalog.find(port, use)
        organs.append(OrganState(port, use, adapter.kind if adapter else "custom", milliseconds, health))
    return Doctor(__version__, organs, found)


@router.get("/settings")
async def settings(request: Request) -> list[SettingValue]:
    """Every setting with its value; secrets are never shown."""
    await auth.console_caller(request)
    current = auth.platform_of(request).settings
    values: dict[str, Any] = {
        f"{section}.{f.name}": getattr(getattr(current, section), f.name)
        for section, cls in config.SECTIONS.items()
        for f in dataclasses.fields(cls)
    }
    for port, organ in current.organs.items():
        values[f"organs.{port}.use"] = organ.use
        values |= {f"organs.{port}.{name}": value for name, value in organ.options.items()}
    return [
        SettingValue(row.key, row.type, row.default, None if row.secret else values.get(row.key, row.default), row.help)
        for row in config.table()
    ]


@router.get("/models")
async def models(request: Request) -> list[dict[str, Any]]:
    """The models there are, the default first."""
    await auth.console_caller(request)
    found = await auth.platform_of(request).gateway.models()
    return [
        {"id": m.id, "context_tokens": m.context_tokens, "languages": m.languages, "owned_by": m.owned_by}
        for m in found
    ]
