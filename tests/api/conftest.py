from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.api.chat_server import CONFIG, ChatServer, prepare
from tests.live import LiveServer, start_server


@pytest.fixture(scope="session")
def chat_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ChatServer]:
    live = start_server(tmp_path_factory.mktemp("chat") / "home", "--no-demo", config=CONFIG)
    try:
        yield prepare(live)
    finally:
        live.stop()


@pytest.fixture
def console(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    """The console of a server on fakes, for its administrator."""
    with fake_model_server.client() as client:
        client.base_url = httpx.URL(f"{fake_model_server.url}/api/v1")
        yield client


@pytest.fixture
def service(chat_server: ChatServer) -> Iterator[httpx.Client]:
    """The Service API with the key of the app over the handbook."""
    with chat_server.client(chat_server.knows) as client:
        yield client
