"""Routes: what stands behind a model's name, and how its deployments do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Request

from llmflow.api import auth
from llmflow.gateway.circuit import Phase
from llmflow.gateway.types import KeptRoute

router = APIRouter(tags=["models"])


@dataclass(frozen=True, slots=True)
class ShownRoute:
    """`route`: as llmflow.yaml has it under models, every key told. `is_fixed`: it is changed in llmflow.yaml."""

    name: str
    route: dict[str, Any]
    is_fixed: bool


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """`phase`: of its circuit breaker; `wait_s`: until it is asked again, 0 for now; `latency_ms`: expected to a first
    piece, 0 where nothing is known."""

    server: str
    model: str
    phase: Phase
    in_flight: int
    latency_ms: int
    wait_s: float


@router.get("/models/routes")
async def routes(request: Request) -> list[ShownRoute]:
    """Those of llmflow.yaml first."""
    caller = await auth.console_caller(request)
    return [_shown(one) for one in await auth.platform_of(request).routes.all(caller.workspace_id)]


@router.get("/models/deployments")
async def deployments(request: Request) -> list[DeploymentState]:
    """Every deployment that was asked or listed since the start, and how it does."""
    await auth.console_caller(request)
    now = time.monotonic()
    return [
        DeploymentState(
            leg.deployment.name,
            leg.deployment.info.id,
            leg.condition.circuit.phase(now),
            leg.condition.in_flight,
            round(leg.condition.latency_s(now) * 1000),
            round(leg.condition.wait_s(now), 1),
        )
        for leg in auth.platform_of(request).gateway.servers.legs()
    ]


@router.put("/models/routes/{name}")
async def put(
    name: str,
    body: Annotated[dict[str, Any], Body(description="deployments, strategy, fallbacks ...: docs/gateway.md")],
    request: Request,
) -> ShownRoute:
    """Makes or changes a route; it serves from the next request on. Errors: invalid_request with the key at fault,
    conflict for one of llmflow.yaml."""
    caller = await auth.console_caller(request, needs="admin")
    return _shown(await auth.platform_of(request).routes.put(caller.workspace_id, name, body))


@router.delete("/models/routes/{name}", status_code=204)
async def remove(name: str, request: Request) -> None:
    """Its name is a model's again, where a server lists one of that name."""
    caller = await auth.console_caller(request, needs="admin")
    await auth.platform_of(request).routes.remove(caller.workspace_id, name)


def _shown(kept: KeptRoute) -> ShownRoute:
    return ShownRoute(kept.name, msgspec.to_builtins(kept.route), kept.is_fixed)
