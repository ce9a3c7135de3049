"""Infinity for real: installed from its recipe, started by one line of llmflow.yaml, embedding documents and questions
(make test-organs). The environment is kept in `build/organs`: about 1.5 GB."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from tests.live import LiveServer, start_server
from tests.managed.test_servers import marked
from tests.reliability.servers import PROGRAM, ROOT, environ

pytestmark = [pytest.mark.organs, pytest.mark.timeout(1800)]

ORGANS = ROOT / "build" / "organs"
CONFIG = f"managed: {{path: '{ORGANS}'}}\norgans: {{llm: {{use: scripted}}, embedding: {{use: infinity}}}}\n"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose embedding is Infinity; ready means that it serves."""
    home = tmp_path_factory.mktemp("infinity") / "home"
    home.mkdir()
    (home / "llmflow.yaml").write_text(CONFIG, "utf-8")
    install = [str(PROGRAM), "organs", "install", "infinity", "--home", str(home)]
    subprocess.run(install, check=True, timeout=1700, env=environ())
    server = start_server(home, "--no-demo", environ=environ())
    yield server
    server.stop()
    assert marked(ORGANS) == []


def test_the_gateway_embeds_with_it(live: LiveServer) -> None:
    with live.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "model", "name": "infinity"}).json()["token"]
        texts = ["a cat on a mat", "a kitten on a rug", "the price of oil fell"]
        headers = {"Authorization": f"Bearer {key}"}
        answer = console.post("/v1/embeddings", json={"model": "minilm", "input": texts}, headers=headers)
    assert answer.status_code == 200, answer.text
    cat, kitten, oil = (row["embedding"] for row in answer.json()["data"])
    assert len(cat) == 384
    assert sum(a * b for a, b in zip(cat, cat, strict=True)) == pytest.approx(1, abs=1e-3)
    near, far = (sum(a * b for a, b in zip(cat, other, strict=True)) for other in (kitten, oil))
    assert near > far + 0.2


def test_documents_are_indexed_and_found_by_meaning(live: LiveServer) -> None:
    with live.client() as console:
        base = console.post("/api/v1/knowledge", json={"name": "meaning"}).json()["id"]
        live.put(base, "leave.txt", b"Employees may stay away from work for fifteen days a year.")
        live.put(base, "oil.txt", b"The price of crude oil fell in the third quarter.")
        assert live.wait_until_indexed(base) == {"ready": 2}
        query = {"query": "How long is my vacation?", "mode": "dense", "top_k": 2}
        found = console.post(f"/api/v1/knowledge/{base}/search", json=query).json()["found"]
    assert "fifteen days" in found[0]["text"]


def test_the_doctor_shows_it_as_a_server_of_ours(live: LiveServer) -> None:
    with live.client() as console:
        organs = console.get("/api/v1/doctor").json()["organs"]
    embedding = next(organ for organ in organs if organ["port"] == "embedding")
    assert (embedding["kind"], embedding["health"]["ok"]) == ("managed", True)
    assert "384 dimensions" in embedding["health"]["detail"]
