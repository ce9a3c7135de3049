"""The state of the platform: organs and settings."""

from __future__ import annotations

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
    value: Any  # "(set)" or "" for a secret
    help: str


@router.get("/doctor")
async def doctor(request: Request) -> Doctor:
    """Asks every organ how it is, and looks for model servers on this machine."""
    await auth.console_caller(request, needs="admin")
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
    """Every setting in force; secrets are never shown, options of adapters that are not in use are left out."""
    await auth.console_caller(request, needs="admin")
    current = auth.platform_of(request).settings
    rows = [(row, config.in_force(current, row)) for row in config.table()]
    return [SettingValue(row.key, row.type, row.default, value, row.help) for row, value in rows if value is not None]
