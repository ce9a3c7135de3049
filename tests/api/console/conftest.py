"""People of each role on the shared server, who came by invitation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from llmflow.access.types import ROLES, Role
from tests.live import LiveServer

PASSWORD = "네 낱말로 된 비밀번호"


@pytest.fixture(scope="session")
def by_role(fake_model_server: LiveServer) -> Iterator[dict[Role, httpx.Client]]:
    """A signed-in browser for each role."""
    with ExitStack() as stack, fake_model_server.client() as client:
        browsers: dict[Role, httpx.Client] = {}
        for role in ROLES:
            invitation = {"email": f"{role}@role.example", "role": role}
            made = client.post("/api/v1/invitations", json=invitation).raise_for_status().json()
            browser = stack.enter_context(httpx.Client(base_url=fake_model_server.url, trust_env=False, timeout=60))
            accept = {"token": made["token"], "name": role, "password": PASSWORD}
            browser.post("/api/v1/invitations/accept", json=accept).raise_for_status()
            browsers[role] = browser
        yield browsers
