"""What the tests of faults share: a server for names and uploads, and both databases."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live import LiveServer, start_server
from tests.reliability.servers import LIGHT, environ


@pytest.fixture(scope="package")
def small_limits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A real server that takes documents of 1 MB and gives a reader 10 s."""
    config = LIGHT + "limits: {document_mb: 1, parse_timeout_s: 10, parse_memory_mb: 512}\n"
    server = start_server(tmp_path_factory.mktemp("small") / "home", "--no-demo", config=config, environ=environ())
    yield server
    assert server.stop() == 0
    assert "Traceback" not in server.log()


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh PostgreSQL database; "" for SQLite."""
    return "" if request.param == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(store_url: str) -> str:
    """The line of llmflow.yaml for each database; none for SQLite."""
    return f"store: {{url: '{store_url}'}}\n" if store_url else ""


@pytest.fixture
def base(small_limits: LiveServer, request: pytest.FixtureRequest) -> Iterator[str]:
    """The id of an empty knowledge base, deleted afterwards."""
    with small_limits.client() as client:
        made = client.post("/api/v1/knowledge", json={"name": request.node.name[:200]}).json()
        yield made["id"]
        assert client.delete(f"/api/v1/knowledge/{made['id']}").status_code == 204
