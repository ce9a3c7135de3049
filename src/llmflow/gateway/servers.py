"""Our model servers and what each serves: a model's name to the route behind it.

A name that several servers list is one route over all of them. A route of that name in llmflow.yaml or from the
console stands before it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

import msgspec

from llmflow.errors import LLMFlowError, NotFound, OrganError
from llmflow.gateway.circuit import Condition, RetryBudget
from llmflow.gateway.routes import Route, Target
from llmflow.gateway.types import Deployment, Leg
from llmflow.ports.llm import Llm, ModelInfo, Wire

DEFAULT = "default"
_LOOK_S = 5.0  # for a connected server's list of models; the organ may load its model first
_SLOW_S = 1.0
_SPARE_S = 15.0


class Elsewhere(Exception):
    """A server that another process of this LLMFlow has may serve the model. Raised before a call is admitted."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A model's name and all that is needed to call it."""

    name: str
    route: Route
    legs: tuple[Leg, ...]
    shadow: Leg | None = None
    budget: RetryBudget = field(default_factory=RetryBudget)

    @property
    def info(self) -> ModelInfo:
        """What is known of the model: the first deployment's word."""
        return self.legs[0].deployment.info

    @property
    def models(self) -> tuple[str, ...]:
        """What the deployments call it."""
        return tuple([leg.deployment.info.id for leg in self.legs])


class Servers:
    """`llms`: by name; the preferred one, else "default", else the first, answers requests that name no model.

    `is_whole` False: another process has more of them, and `resolve` raises Elsewhere for what they may serve."""

    def __init__(self, llms: Mapping[str, Llm], *, is_whole: bool = True) -> None:
        self._llms = dict(llms)
        self._is_whole = is_whole
        self.preferred = DEFAULT
        self._routes: dict[str, Route] = {}
        self._resolved: dict[str, Resolved] = {}  # configured routes
        self._known: dict[str, Resolved] = {}  # what servers list
        self._conditions: dict[tuple[str, str], Condition] = {}
        self._budgets: dict[str, RetryBudget] = {}
        self._failure: LLMFlowError | None = None  # of a server that was asked for its models last time
        self._slow: dict[str, tuple[float, LLMFlowError]] = {}  # servers not asked again before a time, and why

    def serve(self, name: str, llm: Llm) -> Llm | None:
        """Serves a server's models from the next request on; the one that had this name before."""
        before = self._llms.get(name)
        self._llms[name] = llm
        self._conditions = {key: one for key, one in self._conditions.items() if key[0] != name}
        self._forget()
        return before

    def drop(self, name: str) -> Llm | None:
        """Serves it no longer; answers under way go on."""
        before = self._llms.pop(name, None)
        self._conditions = {key: one for key, one in self._conditions.items() if key[0] != name}
        self._forget()
        return before

    def prefer(self, name: str = DEFAULT) -> None:
        """Which server answers requests that name no model."""
        self.preferred = name
        self._forget()

    def route(self, routes: Mapping[str, Route]) -> None:
        """The configured routes, from the next request on."""
        self._routes = dict(routes)
        self._forget()

    @property
    def routes(self) -> Mapping[str, Route]:
        return self._routes

    @property
    def names(self) -> list[str]:
        """The servers in the order they are asked in."""
        return sorted(self._llms, key=lambda name: (name != self.preferred, name != DEFAULT))

    def legs(self) -> list[Leg]:
        """Every deployment that is known now, once."""
        found: dict[tuple[str, str], Leg] = {}
        for resolved in (*self._resolved.values(), *self._known.values()):
            for leg in resolved.legs:
                found.setdefault((leg.deployment.name, leg.deployment.info.id), leg)
        return list(found.values())

    def _forget(self) -> None:
        self._known, self._slow, self._resolved = {}, {}, {}

    def doubt(self, leg: Leg) -> None:
        """A server does not know a model that it is said to have: the next request asks what it has."""
        name = leg.deployment.name
        keep = {model: one for model, one in self._known.items() if all(x.deployment.name != name for x in one.legs)}
        self._known = keep

    async def deployments(self) -> list[Deployment]:
        """What the servers serve now, the default first, then the configured routes under their own names. A server
        that fails is left out; raises when all fail."""
        found = await self._look()
        listed = {one.info.id for one in found}
        for name in self._routes:
            if name not in listed:
                info = (await self.resolve(name)).info
                found.append(Deployment("route", self._llms[self.names[0]], msgspec.structs.replace(info, id=name)))
        return found

    async def resolve(self, model: str) -> Resolved:
        """Raises NotFound (model_unknown), Elsewhere, and what the servers raise when they are asked what they have."""
        found = self._resolved.get(model or DEFAULT) or self._known.get(model)
        if found is not None:
            return found
        if (model or DEFAULT) in self._routes:
            if not self._is_whole:
                await self._reach(model or DEFAULT)
            return await self._configured(model or DEFAULT)
        if not self._is_whole and model in ("", DEFAULT) and self.preferred not in self._llms:
            raise Elsewhere
        if not (model in ("", DEFAULT) and await self._look_at_preferred()):
            await self._look()
        found = self._known.get(model)
        if found is None and not self._is_whole:
            raise Elsewhere
        if found is None and self._failure:
            raise self._failure  # it may be that server's
        if found is None:
            raise unknown(model, [*self._routes, *(name for name in self._known if name not in ("", DEFAULT))])
        return found

    async def _reach(self, name: str, *passed: str) -> None:
        """Raises Elsewhere unless every deployment that a call of the route may come to is at a server known here: once
        begun it cannot be handed on."""
        route = self._routes[name]
        targets = [*route.deployments, *([_target(route)] if route.shadow else [])]
        if any(target.server not in self._llms for target in targets):
            raise Elsewhere
        for further in (*route.fallbacks, route.context_fallback):
            if further in self._routes and further not in (name, *passed):
                await self._reach(further, name, *passed)
            elif further and further not in self._routes:
                await self.resolve(further)

    async def _configured(self, name: str) -> Resolved:
        """Servers that do not answer are believed to have what the route says."""
        route = self._routes[name]
        targets = [*route.deployments, *([_target(route)] if route.shadow else [])]
        servers = list(dict.fromkeys(target.server for target in targets if target.server in self._llms))
        answers = dict(zip(servers, await asyncio.gather(*map(self._models_of, servers)), strict=True))
        found = [await self._leg(one, answers.get(one.server)) for one in route.deployments]
        legs = [leg for leg in found if leg is not None]
        if not legs:
            there = ", ".join(self._llms)
            message = f"No server of the route `{name}` is connected; there are: {there}."
            raise OrganError(message, code="model_missing", hint="Name other servers in the route, or connect them.")
        shadow = await self._leg(_target(route), answers.get(route.shadow.server)) if route.shadow else None
        resolved = Resolved(name, route, tuple(legs), shadow, self._budget(name))
        if all(isinstance(answer, list) for answer in answers.values()):
            self._resolved[name] = resolved
        return resolved

    async def _leg(self, target: Target, answer: list[Deployment] | LLMFlowError | None) -> Leg | None:
        llm = self._llms.get(target.server)
        if llm is None:
            return None
        listed = answer if isinstance(answer, list) else []
        info = next((one.info for one in listed if target.model in ("", one.info.id)), ModelInfo(target.model))
        wire = listed[0].wire if listed else await self._wire_of(llm)
        return self._leg_of(Deployment(target.server, llm, info, wire), target.model, target.weight, target.priority)

    async def _wire_of(self, llm: Llm) -> Wire | None:
        try:
            return await llm.wire()
        except LLMFlowError:  # an organ that cannot be loaded; the call says so
            return None

    def _leg_of(self, deployment: Deployment, model: str, weight: float = 1.0, priority: int = 0) -> Leg:
        key = (deployment.name, deployment.info.id)
        return Leg(deployment, self._conditions.setdefault(key, Condition()), model, weight, priority)

    def _budget(self, name: str) -> RetryBudget:
        return self._budgets.setdefault(name, RetryBudget())

    def _discovered(self, name: str, deployments: Iterable[Deployment], *, is_default: bool = False) -> Resolved:
        """The default is asked for as such: its server may have another model by then."""
        legs = tuple(self._leg_of(one, "" if is_default else one.info.id) for one in deployments)
        route = Route(tuple(Target(leg.deployment.name, leg.deployment.info.id) for leg in legs))
        return Resolved(name, route, legs, budget=self._budget(name))

    async def _look_at_preferred(self) -> bool:
        """Asks only the server that answers where no model is named: the others need not be waited for."""
        answer = await self._models_of(self.names[0]) if self._llms else []
        if isinstance(answer, LLMFlowError):
            raise answer
        if answer:
            self._known |= dict.fromkeys(
                ("", DEFAULT), self._discovered(answer[0].info.id, answer[:1], is_default=True)
            )
        return bool(answer)

    async def _look(self) -> list[Deployment]:
        """Asks every server what it has. One of each name is returned, the first server's."""
        answers = await asyncio.gather(*(self._models_of(name) for name in self.names))
        failures = [answer for answer in answers if isinstance(answer, LLMFlowError)]
        found = [deployment for answer in answers if isinstance(answer, list) for deployment in answer]
        if failures and not found:
            raise failures[0]
        by_name: dict[str, list[Deployment]] = {}
        for deployment in found:
            by_name.setdefault(deployment.info.id, []).append(deployment)
        known = {name: self._discovered(name, deployments) for name, deployments in by_name.items()}
        if found and not isinstance(answers[0], LLMFlowError) and (self._is_whole or self.preferred in self._llms):
            known[""] = known[DEFAULT] = self._discovered(found[0].info.id, found[:1], is_default=True)
        for name in by_name:
            known.setdefault(name.removesuffix(":latest"), known[name])  # as Ollama lets one ask
        self._known, self._failure = known, failures[0] if failures else None
        return found

    async def _models_of(self, name: str) -> list[Deployment] | LLMFlowError:
        llm, started = self._llms[name], time.monotonic()
        until, reason = self._slow.get(name, (0.0, None))
        if reason is not None and started < until:
            return reason
        self._slow.pop(name, None)
        try:
            async with asyncio.timeout(None if name == DEFAULT else _LOOK_S):
                infos = await llm.models()
                wire = await llm.wire()
                return [Deployment(name, llm, info, wire) for info in infos]
        except TimeoutError:
            error: LLMFlowError = OrganError(
                f"{name} did not say what it serves in {_LOOK_S:g} s.", code="model_timeout"
            )
        except LLMFlowError as failure:
            error = failure
        if time.monotonic() - started > _SLOW_S:  # asked again for each request, it would hold up the others' models
            self._slow[name] = (time.monotonic() + _SPARE_S, error)
        return error


def _target(route: Route) -> Target:
    assert route.shadow is not None
    return Target(route.shadow.server, route.shadow.model)


def unknown(model: str, names: Sequence[str]) -> NotFound:
    """With the nearest name there is."""
    near = get_close_matches(model, names, 1, 0.4)
    guess = f" Did you mean '{near[0]}'?" if near else f" There are: {', '.join(names) or 'none'}."
    return NotFound(f"There is no model '{model}'.{guess}", code="model_unknown", param="model")
