"""Faults of ours are answered in the shape of the API that was called, and tell nothing of their insides."""

from __future__ import annotations

from typing import Any, cast

import httpx
import pytest

from llmflow.access.standing import Standing
from llmflow.access.types import Caller
from llmflow.api.routes.service import surface
from llmflow.wiring import Platform


class _Keys:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    async def check(self, token: str) -> Caller:
        return Caller(workspace_id="w", kind=cast(Any, self._kind), app_id="a")


class _Broken:
    """A platform whose rooms are missing."""

    def __init__(self, kind: str) -> None:
        self.keys = _Keys(kind)
        self.standing = Standing()


@pytest.mark.parametrize(
    ("kind", "method", "path", "body"),
    [("app", "GET", "/info", None), ("model", "POST", "/embeddings", {"input": "a"})],
)
async def test_a_fault_is_an_internal_error_in_the_apis_own_shape(
    kind: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    transport = httpx.ASGITransport(app=surface(cast(Platform, _Broken(kind))), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.request(method, path, json=body, headers={"Authorization": "Bearer x"})
    assert answer.status_code == 500
    found = answer.json()
    if kind == "app":
        assert found.keys() == {"code", "message", "status"}
        assert found["code"] == "internal_server_error"
    else:
        assert found["error"]["code"] == "internal_error"
        assert found["error"]["type"] == "server_error"
    assert "AttributeError" not in answer.text
