"""One organ down: only what needs it fails, with its name; it is found again without a restart."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from llmflow.organs.embedding.hashing import HashingEmbedding
from tests.live import LiveServer, _descendants, free_port, start_server
from tests.organs import parser_documents
from tests.reliability.servers import LIGHT, environ
from tests.served import served

pytestmark = pytest.mark.slow


class _Embedding(http.server.BaseHTTPRequestHandler):
    """An OpenAI-compatible embedding server of hashed words."""

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        vectors = asyncio.run(HashingEmbedding().embed(texts, "passage"))
        rows = [{"index": n, "embedding": vector.tolist()} for n, vector in enumerate(vectors)]
        body = json.dumps({"object": "list", "data": rows, "model": "words"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


class EmbeddingServer:
    """Can be stopped and started again on its port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._serving = ExitStack()
        self.start()

    def start(self) -> None:
        self._serving.enter_context(served(_Embedding, self.port))

    def stop(self) -> None:
        self._serving.close()


@pytest.fixture
def embedding() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    yield server
    server.stop()


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def _end(answer: httpx.Response) -> dict[str, Any]:
    events = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
    found: dict[str, Any] = events[-1] | {"text": "".join(event.get("text", "") for event in events)}
    return found


def _wrong(client: httpx.Client) -> dict[str, str]:
    """Organs that the doctor calls wrong, with what it says to do."""
    organs = client.get("/api/v1/doctor").json()["organs"]
    return {organ["port"]: organ["health"]["hint"] for organ in organs if not organ["health"]["ok"]}


def test_a_model_and_an_embedding_server_that_go_away_and_come_back(tmp_path: Path, embedding: EmbeddingServer) -> None:
    config = LIGHT.replace(
        "{use: hashing}", f"{{use: openai, url: 'http://127.0.0.1:{embedding.port}/v1', model: words}}"
    ).replace("{use: scripted}", "{use: openai, url: 'http://127.0.0.1:1/v1', model: nobody}")
    server = start_server(tmp_path, "--no-demo", config=config, environ=environ())
    try:
        with server.client() as client:
            client.post("/api/v1/knowledge", json={"name": "b"}).raise_for_status()
            client.post("/api/v1/apps", json={"name": "helper", "knowledge": ["b"]}).raise_for_status()
            server.put("b", "warranty.txt", b"The warranty of the robot lasts two years.")
            server.put("b", "lunch.txt", b"Lunch is served between noon and one in the canteen on the third floor.")
            server.put("b", "visits.txt", b"Guests sign in at the front desk and get a badge for the day.")
            assert server.wait_until_indexed("b") == {"ready": 3}
            _the_model_is_down(client)
            embedding.stop()
            _the_embedding_is_down(server, client)
            embedding.start()
            failed = client.get("/api/v1/knowledge/b/documents", params={"state": "failed"}).json()["documents"][0]
            assert client.post(f"/api/v1/documents/{failed['id']}/retry").status_code == 202
            assert server.wait_until_indexed("b") == {"ready": 4}
            hits = client.post("/api/v1/knowledge/b/search", json={"query": "passwords characters"}).json()["found"]
            assert hits[0]["document"] == "passwords.txt"
            assert _wrong(client).keys() == {"llm"}
    finally:
        server.kill()


def _the_model_is_down(client: httpx.Client) -> None:
    """Search works; an answer is quoted from the documents and says that the model is down."""
    hits = client.post("/api/v1/knowledge/b/search", json={"query": "warranty of the robot"}).json()["found"]
    assert hits[0]["document"] == "warranty.txt"
    answer = client.post("/api/v1/apps/helper/ask", json={"question": "How long is the warranty of the robot?"})
    end = _end(answer)
    assert (end["event"], end["kind"]) == ("end", "quoted")
    assert "two years" in end["text"]
    assert "127.0.0.1:1" in end["hint"]
    assert end["citations"][0]["document"] == "warranty.txt"
    hints = _wrong(client)
    assert hints.keys() == {"llm"}
    assert hints["llm"]


def _the_embedding_is_down(server: LiveServer, client: httpx.Client) -> None:
    """Uploads are accepted, wait and fail by name; search by words goes on."""
    uploaded = client.put("/api/v1/knowledge/b/documents/passwords.txt", content=b"Passwords have twelve characters.")
    assert (uploaded.status_code, uploaded.json()["outcome"]) == (202, "accepted")
    body = {"query": "warranty", "mode": "keyword"}
    assert client.post("/api/v1/knowledge/b/search", json=body).json()["found"][0]["document"] == "warranty.txt"
    dense = client.post("/api/v1/knowledge/b/search", json=body | {"mode": "dense"})
    assert _code(dense) == (503, "organ_unavailable")
    hybrid = client.post("/api/v1/knowledge/b/search", json={"query": "warranty"}).json()["found"]
    assert (hybrid[0]["document"], hybrid[0]["scores"]["dense"]) == ("warranty.txt", None)
    question = {"question": "How long is the warranty of the robot?"}
    asked = _end(client.post("/api/v1/apps/helper/ask", json=question))
    assert asked["event"] == "end"
    assert asked["kind"] == "unknown"  # never a made-up answer, but what shares the question's words
    assert "two years" in asked["text"]
    assert asked["citations"][0]["document"] == "warranty.txt"
    assert "127.0.0.1:1" in asked["hint"]  # the language model is down too
    assert _wrong(client).keys() == {"llm", "embedding"}
    assert server.wait_until_indexed("b", seconds=90) == {"ready": 3, "failed": 1}
    failed = client.get("/api/v1/knowledge/b/documents", params={"state": "failed"}).json()["documents"][0]
    assert failed["name"] == "passwords.txt"
    assert failed["error_code"] == "organ_unavailable"
    assert "embedding" in failed["error_message"] + failed["error_hint"]


def test_a_database_server_that_goes_away_and_comes_back(tmp_path: Path, postgres_server: str) -> None:
    """Its connections are cut and new ones refused for a while, which is how a restart of PostgreSQL looks."""
    name = f"t{tmp_path.name.replace('-', '_')[-40:]}".lower()
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        config = f"{LIGHT}store: {{url: '{postgres_server}/{name}'}}\n"
        server = start_server(tmp_path / "home", "--no-demo", config=config, environ=environ())
        try:
            with server.client() as client:
                client.post("/api/v1/knowledge", json={"name": "b"}).raise_for_status()
                for body in ({"name": "a\x00b"}, {"name": "b", "description": "\x00"}):
                    nul = client.post("/api/v1/knowledge", json=body)
                    assert _code(nul)[0] in (400, 409), nul.text
                for number in range(40):
                    server.put("b", f"{number}.txt", f"document number {number} ".encode() * 50)
                admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
                admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
                refused = client.get("/api/v1/knowledge")
                assert _code(refused) == (503, "organ_unavailable")
                assert client.get("/healthz").status_code == 200
                upload = client.put("/api/v1/knowledge/b/documents/late.txt", content=b"too early")
                assert _code(upload) == (503, "organ_unavailable")
                time.sleep(1)
                admin.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
                assert client.get("/api/v1/knowledge").status_code == 200
                assert server.wait_until_indexed("b", seconds=60) == {"ready": 40}
        finally:
            server.kill()
        admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_a_reader_that_is_killed_is_replaced(small_limits: LiveServer, base: str) -> None:
    small_limits.put(base, "first.docx", parser_documents.word())
    assert small_limits.wait_until_indexed(base) == {"ready": 1}
    for child in _descendants(small_limits.process.pid):
        os.kill(child, signal.SIGKILL)
    small_limits.put(base, "second.pdf", parser_documents.pdf())
    assert small_limits.wait_until_indexed(base) == {"ready": 2}
