"""Routes that people set: served at once, after a restart, and never over llmflow.yaml's."""

from __future__ import annotations

from typing import cast

import pytest

from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.gateway.gateway import Gateway
from llmflow.gateway.kept_routes import KeptRoutes
from llmflow.gateway.routes import read_route
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.llm.scripted import ScriptedLlm
from llmflow.ports.embedding import Embedding
from llmflow.ports.llm import ChatRequest, Llm, Message
from llmflow.store.database import Database

ONE = {"deployments": [{"server": "one"}]}
TWO = {"deployments": [{"server": "two", "weight": 3}], "strategy": "fastest"}


class House:
    """Two servers; the route "fixed" stands in llmflow.yaml."""

    def __init__(self, database: Database) -> None:
        llms = {name: cast(Llm, ScriptedLlm(model=f"{name}-1", reply=name)) for name in ("one", "two")}
        self.gateway = Gateway(llms, cast(Embedding, HashingEmbedding()))
        self.routes = KeptRoutes(database, self.gateway.servers, {"fixed": read_route("fixed", ONE)})

    async def said(self, model: str) -> str:
        request = ChatRequest((Message("user", "안녕"),), model=model)
        return "".join([delta.text async for delta in self.gateway.stream(request)])


async def test_a_route_serves_at_once_and_after_a_restart(database: Database) -> None:
    house = House(database)
    await house.routes.load("w")
    await house.routes.put("w", "똑똑한 모델", ONE)
    assert await house.said("똑똑한 모델") == "one"
    await house.routes.put("w", "똑똑한 모델", TWO)
    again = House(database)
    await again.routes.load("w")
    assert [await one.said("똑똑한 모델") for one in (house, again)] == ["two", "two"]
    assert [(one.name, one.is_fixed) for one in await again.routes.all("w")] == [
        ("fixed", True),
        ("똑똑한 모델", False),
    ]
    assert (await again.routes.all("w"))[1].route.strategy == "fastest"
    assert [one.name for one in await again.routes.all("v")] == ["fixed"]
    assert "똑똑한 모델" in [info.id for info in await again.gateway.models()]


async def test_a_removed_route_serves_no_more(database: Database) -> None:
    house = House(database)
    await house.routes.put("w", "r", ONE)
    await house.routes.remove("w", "r")
    for attempt in (house.said("r"), house.routes.remove("w", "r")):
        with pytest.raises(NotFound):
            await attempt


async def test_what_stands_in_the_file_is_changed_there(database: Database) -> None:
    house = House(database)
    await house.routes.load("w")
    for attempt in (house.routes.put("w", "fixed", TWO), house.routes.remove("w", "fixed")):
        with pytest.raises(Conflict):
            await attempt
    assert await house.said("fixed") == "one"
    with pytest.raises(UsageError):
        await house.routes.put("w", "r", {"deployments": []})
