"""What may stand in a route, and what is said of what may not."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.errors import UsageError
from llmflow.gateway.routes import read_route

ONE = [{"server": "default"}]


def test_a_route_is_read_with_its_defaults() -> None:
    route = read_route("smart", {"deployments": [{"server": "a", "model": "m", "weight": 9}], "fallbacks": ["small"]})
    assert (route.strategy, route.attempts, route.sticky, route.cache) == ("weighted", 3, False, None)
    assert (route.deployments[0].weight, route.deployments[0].priority) == (9, 0)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"deployments": []}, "no deployments"),
        ({"deployments": [{"server": "a", "wieght": 1}]}, "Did you mean `weight`?"),
        ({"deployments": [{"server": "a", "weight": 0}]}, "weights"),
        ({"deployments": ONE, "attempts": 0}, "attempts"),
        ({"deployments": ONE, "strategy": "best"}, "strategy"),
        ({"deployments": ONE, "fallbacks": ["r"]}, "falls back to itself"),
        ({"deployments": ONE, "shadow": {"server": "b", "percent": 0}}, "percent"),
        ({"deployments": ONE, "timeouts": {"first_s": -1}}, "timeout"),
        ({"deployments": ONE, "cache": {"seconds": 0}}, "cache"),
        ([], "models.r"),
    ],
)
def test_what_is_wrong_is_named(given: Any, told: str) -> None:
    with pytest.raises(UsageError, match=r"models\.r") as caught:
        read_route("r", given)
    assert told in caught.value.message


@pytest.mark.parametrize("name", ["", " ", "app/desk", "x" * 201])
def test_a_name_must_be_its_own(name: str) -> None:
    with pytest.raises(UsageError):
        read_route(name, {"deployments": ONE})
