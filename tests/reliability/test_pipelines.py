"""kill -9 while pipelines of knowledge read documents, on both databases."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.flow_apps import Counting, datasource, http, index, pipeline, template
from tests.reliability.servers import LIGHT, up

pytestmark = pytest.mark.slow

_CONFIG = LIGHT + "workflow: {http_allow: [127.0.0.1]}\n"
_DOCUMENTS = 12
_AT_ONCE = 8  # documents that pipelines read together


@pytest.fixture
def config(store: str) -> str:
    return _CONFIG + store


def test_documents_are_all_read_and_no_finished_node_runs_again(
    tmp_path: Path, counting: Counting, config: str
) -> None:
    nodes = (
        datasource("upload"),
        http("first", "GET", f"{counting.url}/1"),
        http("second", "GET", f"{counting.url}/2"),
        template("joined", "{{ name }} {{ one }}", name="upload.file.filename", one="first.body"),
        index("kept", "joined.output"),
    )
    server = up(tmp_path / "home", config)
    with server.client() as console:
        body = {"document": pipeline("이어 읽기", nodes), "publish": True}
        base = console.post("/api/v1/apps/import", json=body).raise_for_status().json()["knowledge"]["id"]
    counting.hold("/2")
    for number in range(_DOCUMENTS):
        server.put(base, f"{number}.txt", f"문서 {number}".encode())
    counting.wait_for("/2")
    end = time.monotonic() + 30
    while counting.asked["/2"] < _AT_ONCE and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.1)  # what was told has left for the disk
    server.kill()
    counting.release("/2")
    server = up(tmp_path / "home", config)
    assert server.wait_until_indexed(base) == {"ready": _DOCUMENTS}
    assert counting.asked["/1"] == _DOCUMENTS
    with server.client() as console:
        documents = console.get(f"/api/v1/knowledge/{base}/documents").json()["documents"]
        for document in documents:
            (passage,) = console.get(f"/api/v1/documents/{document['id']}/passages").json()
            assert passage["text"].startswith(f"{document['name']} 답 /1 ")
    assert server.stop() == 0
    assert "Traceback" not in server.log()
