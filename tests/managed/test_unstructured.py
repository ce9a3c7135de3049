"""Unstructured for real: installed from its recipe, started by one line of llmflow.yaml, reading PDFs by their pictures
(make test-organs). The environment is kept in `build/organs`: about 2.5 GB."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.live import LiveServer, start_server
from tests.managed.test_servers import marked
from tests.organs import parser_documents as make
from tests.reliability.servers import PROGRAM, ROOT, environ

pytestmark = [pytest.mark.organs, pytest.mark.timeout(1800)]

ORGANS = ROOT / "build" / "organs"
CONFIG = (
    f"managed: {{path: '{ORGANS}'}}\n"
    "organs: {llm: {use: scripted}, embedding: {use: hashing}, parser: {use: unstructured_managed}}\n"
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server whose PDFs go to Unstructured; ready means that it serves."""
    home = tmp_path_factory.mktemp("unstructured") / "home"
    home.mkdir()
    (home / "llmflow.yaml").write_text(CONFIG, "utf-8")
    install = [str(PROGRAM), "organs", "install", "unstructured", "--home", str(home)]
    subprocess.run(install, check=True, timeout=1700, env=environ())
    server = start_server(home, "--no-demo", environ=environ())
    yield server
    server.stop()
    assert marked(ORGANS) == []


def read(live: LiveServer, name: str, data: bytes) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The document once it is ready or failed, and its passages."""
    with live.client() as console:
        base = _base(console)
        live.put(base, name, data)
        live.wait_until_indexed(base, seconds=900)
        found = console.get(f"/api/v1/knowledge/{base}/documents", params={"search": name}).json()["documents"]
        passages: list[dict[str, Any]] = console.get(f"/api/v1/documents/{found[0]['id']}/passages").json()
    return found[0], passages


def _base(console: httpx.Client) -> str:
    made = console.post("/api/v1/knowledge", json={"name": f"pages {time.monotonic_ns()}"}).json()
    return str(made["id"])


def test_a_pdf_is_read_by_its_layout_and_keeps_its_places(live: LiveServer) -> None:
    document, passages = read(live, "안내.pdf", make.pdf())
    assert (document["state"], document["media_type"]) == ("ready", "application/pdf"), document
    text = " ".join(passage["text"] for passage in passages)
    assert "휴가" in text and "fifteen days" in text
    assert any(passage["boxes"] for passage in passages)


def test_a_scan_is_read_by_tesseract_there(live: LiveServer) -> None:
    document, passages = read(live, "스캔.pdf", make.scanned_pdf())
    assert document["state"] == "ready", document
    assert "fifteen days" in " ".join(passage["text"] for passage in passages)


def test_a_locked_pdf_says_so(live: LiveServer) -> None:
    document, _ = read(live, "잠김.pdf", make.locked_pdf())
    assert (document["state"], document["error_code"]) == ("failed", "document_locked")


def test_what_is_no_pdf_does_not_go_there(live: LiveServer) -> None:
    document, passages = read(live, "안내.docx", make.word())
    assert document["state"] == "ready"
    assert "휴가" in passages[0]["text"]


def test_the_doctor_shows_it_as_a_server_of_ours(live: LiveServer) -> None:
    with live.client() as console:
        organs = console.get("/api/v1/doctor").json()["organs"]
    parser = next(organ for organ in organs if organ["port"] == "parser")
    assert (parser["kind"], parser["health"]["ok"]) == ("managed", True)
    assert "hi_res" in parser["health"]["detail"]
