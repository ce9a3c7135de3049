"""Routes: what stands behind a model's name, and how its deployments do."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Body, Query, Request

from llmflow.api import auth
from llmflow.errors import OrganError
from llmflow.gateway.circuit import Phase
from llmflow.gateway.routes import Target
from llmflow.gateway.servers import DEFAULT
from llmflow.gateway.types import KeptRoute, Leg

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
    piece, 0 where nothing is known. `is_connected`: there is a server of that name."""

    server: str
    model: str
    phase: Phase
    in_flight: int
    latency_ms: int
    wait_s: float
    is_connected: bool = True


@dataclass(frozen=True, slots=True)
class NamedServer:
    """`kind`: the organ of llmflow.yaml, one under its `servers`, or one that was connected in Studio. `is_default`: it
    answers requests that name no model."""

    name: str
    kind: Literal["organ", "configured", "connected"]
    is_default: bool


@router.get("/models/routes")
async def routes(request: Request) -> list[ShownRoute]:
    """Those of llmflow.yaml first."""
    caller = await auth.console_caller(request)
    return [_shown(one) for one in await auth.platform_of(request).routes.all(caller.workspace_id)]


@router.get("/models/servers")
async def servers(request: Request) -> list[NamedServer]:
    """The servers that a route can name, in the order they are asked in."""
    caller = await auth.console_caller(request)
    platform = auth.platform_of(request)
    connected = {one.name for one in await platform.connections.all(caller.workspace_id)}
    found = platform.gateway.servers
    return [
        NamedServer(
            name,
            "connected" if name in connected else "organ" if name == DEFAULT else "configured",
            name == found.names[0],
        )
        for name in found.names
    ]


@router.get("/models/deployments")
async def deployments(
    request: Request,
    route: str | None = Query(
        None, description="A model's name: its deployments in the route's order, its shadow last"
    ),
) -> list[DeploymentState]:
    """Every deployment that was asked or listed since the start, and how it does; or those of one route. Errors:
    model_unknown."""
    await auth.console_caller(request)
    found = auth.platform_of(request).gateway.servers
    if route is None:
        return [_state(leg) for leg in found.legs()]
    try:
        resolved = await found.resolve(route)
        rule, legs, shadow = resolved.route, list(resolved.legs), resolved.shadow
    except OrganError:
        if route not in found.routes:
            raise
        rule, legs, shadow = found.routes[route], [], None  # none of its servers is there
    states = []
    for target in rule.deployments:
        leg = next((one for one in legs if _is_for(one, target)), None)
        states.append(_state(leg) if leg else _missing(target.server, target.model))
    if rule.shadow is not None:
        states.append(_state(shadow) if shadow else _missing(rule.shadow.server, rule.shadow.model))
    return states


def _state(leg: Leg) -> DeploymentState:
    now, condition = time.monotonic(), leg.condition
    return DeploymentState(
        leg.deployment.name,
        leg.deployment.info.id,
        condition.circuit.phase(now),
        condition.in_flight,
        round(condition.latency_s(now) * 1000),
        round(condition.wait_s(now), 1),
    )


def _is_for(leg: Leg, target: Target) -> bool:
    return leg.deployment.name == target.server and target.model in (leg.model, leg.deployment.info.id)


def _missing(server: str, model: str) -> DeploymentState:
    return DeploymentState(server, model, "closed", 0, 0, 0, is_connected=False)


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
