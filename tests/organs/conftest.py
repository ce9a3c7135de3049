"""Servers that several files of this folder ask for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.organs import milvus_server


@pytest.fixture(scope="session")
def milvus() -> Iterator[str]:
    """A real Milvus server's address; for tests marked `organs`."""
    with milvus_server.running() as url:
        yield url
