"""A route: what stands behind one model name. Read from llmflow.yaml and from the console, checked here.

models:
  smart:
    deployments:
      - {server: gpu-1, model: qwen3-32b, weight: 9}
      - {server: gpu-2, model: qwen3-32b, weight: 1}
      - {server: provider, model: gpt-5-mini, priority: 1}
    strategy: weighted
    fallbacks: [small]
    context_fallback: long
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Literal

import msgspec

from llmflow.errors import UsageError

Strategy = Literal["weighted", "least_busy", "fastest"]
_MOST_NAME = 200


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model at one of our servers. `model` "": the server's default. `weight`: its share among those of its
    priority, 0 for none. `priority`: lower ones are asked first, the next only when none of them can answer."""

    server: str
    model: str = ""
    weight: float = 1.0
    priority: int = 0


class Shadow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A copy of `percent` of the requests goes there too; its answers are recorded and dropped."""

    server: str
    model: str = ""
    percent: float = 100.0


class Timeouts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds; 0: no bound here (the server's own settings hold). `first_s`: to the first piece of one deployment's
    answer; `between_s`: from one piece to the next."""

    first_s: float = 0.0
    between_s: float = 0.0


class Caching(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Answers to the same request are given again to whom `scope` says, for `seconds`. Requests with a temperature
    above `most_temperature` are not kept; one that names no temperature counts as 1."""

    scope: Literal["workspace", "app", "key", "user"] = "key"
    seconds: float = 300.0
    most_temperature: float = 0.0


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`strategy`: among deployments of one priority: by weight at random, the one with fewest requests under way, or
    the one that answered fastest. `sticky`: a conversation stays where it is. `fallbacks`: models asked when no
    deployment can answer, in order; `context_fallback`: the model asked when the request is too long. `attempts`:
    tries in all, fallbacks not counted."""

    deployments: tuple[Target, ...]
    strategy: Strategy = "weighted"
    sticky: bool = False
    fallbacks: tuple[str, ...] = ()
    context_fallback: str = ""
    attempts: int = 3
    timeouts: Timeouts = Timeouts()
    shadow: Shadow | None = None
    cache: Caching | None = None


_KEYS = {kind: tuple(kind.__struct_fields__) for kind in (Route, Target, Shadow, Timeouts, Caching)}


def read_route(name: str, given: Any) -> Route:
    """A route out of plain values. Raises UsageError that names the key at fault."""
    where = f"models.{name}"
    if not name.strip() or len(name) > _MOST_NAME or name.startswith("app/"):
        raise UsageError(f"A route cannot be called `{name}`.", param="name", hint="Give it a short name of its own.")
    try:
        route = msgspec.convert(given, Route)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where}: {_plain(str(error))}", param=where) from error
    if not route.deployments:
        raise UsageError(f"{where} has no deployments.", param=f"{where}.deployments")
    if any(one.weight < 0 for one in route.deployments) or not any(one.weight for one in route.deployments):
        raise UsageError(f"{where}: weights are 0 or more, and one must be more.", param=f"{where}.deployments")
    if not 1 <= route.attempts <= 10:
        raise UsageError(f"{where}: attempts is between 1 and 10.", param=f"{where}.attempts")
    if min(route.timeouts.first_s, route.timeouts.between_s) < 0:
        raise UsageError(f"{where}: a timeout is 0 or more seconds.", param=f"{where}.timeouts")
    if route.shadow and not 0 < route.shadow.percent <= 100:
        raise UsageError(f"{where}: shadow.percent is above 0 and at most 100.", param=f"{where}.shadow")
    if route.cache and route.cache.seconds <= 0:
        raise UsageError(f"{where}: cache.seconds is more than 0.", param=f"{where}.cache")
    if name in (*route.fallbacks, route.context_fallback):
        raise UsageError(f"{where} falls back to itself.", param=f"{where}.fallbacks")
    return route


def _plain(message: str) -> str:
    """msgspec's words, with the nearest right key where one is unknown."""
    if "unknown field" not in message:
        return message
    wrong = message.split("`")[1]
    known = [key for keys in _KEYS.values() for key in keys]
    near = get_close_matches(wrong, known, 1)
    return f"there is no setting `{wrong}`." + (f" Did you mean `{near[0]}`?" if near else "")
