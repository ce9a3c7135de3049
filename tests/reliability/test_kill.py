"""kill -9 at random moments of a busy server: what was accepted is read once or fails visibly; no rest is left."""

from __future__ import annotations

import hashlib
import os
import random
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.live import LiveServer, start_server
from tests.organs import parser_documents
from tests.reliability.census import drafts_of, take_census
from tests.reliability.servers import FAKES, LIGHT, environ

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600 if "LLMFLOW_TEST_DOCUMENTS" in os.environ else 300)]


#: More with LLMFLOW_TEST_DOCUMENTS: 2000 take about four minutes.
TEXTS = int(os.environ.get("LLMFLOW_TEST_DOCUMENTS", "200"))
BASE, PARENTS = "kill -9", "kill -9, parents"


def text(name: str, version: int) -> bytes:
    """Three paragraphs that name the document and its version."""
    line = f"{name} 판 {version}: 연차 휴가 규정과 work rules."
    return "\n\n".join(
        f"{line} Paragraph {n}. " + "여러 문장. Many words follow here. " * 12 for n in range(1, 4)
    ).encode()


def base_of(name: str) -> str:
    """Every third text is cut into parents with parts."""
    is_third = name.startswith("규정 ") and int(name.removeprefix("규정 ").removesuffix(".txt")) % 3 == 0
    return PARENTS if is_third else BASE


def whole_files() -> dict[str, bytes]:
    """Documents of other formats, each with bytes of its own."""
    made = {
        "문서.docx": parser_documents.word(),
        "표.pdf": parser_documents.pdf(),
        "columns.pdf": parser_documents.two_columns(),
    }
    made |= {"slides.pptx": parser_documents.slides(), "book.xlsx": parser_documents.workbook()}
    return made


def broken_files() -> dict[str, bytes]:
    return {
        "empty.txt": b"",
        "garbage.pdf": b"%PDF-1.7\n" + b"\xff\x00\x12" * 700,
        "cut.docx": parser_documents.word()[:900],
        "locked.pdf": parser_documents.locked_pdf(),
    }


@dataclass
class Client:
    """Someone who uploads, replaces and deletes, and remembers every answer; a broken connection leaves a doubt."""

    http: httpx.Client = field(init=False)
    accepted: dict[str, set[bytes]] = field(default_factory=dict)  # name: what it may hold now
    deleted: set[str] = field(default_factory=set)
    in_doubt: set[str] = field(default_factory=set)
    answers: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def put(self, name: str, content: bytes) -> None:
        path = f"/api/v1/knowledge/{quote(base_of(name))}/documents/{quote(name)}"
        status = self._send("PUT", path, content)
        with self.lock:
            self.answers += 1
            if status is None:
                self.in_doubt.add(name)
                self.accepted.setdefault(name, set()).add(content)
            else:
                assert status == 202, (name, status)
                self.deleted.discard(name)
                self.in_doubt.discard(name)
                self.accepted[name] = {content}

    def delete(self, name: str, document_id: str) -> None:
        status = self._send("DELETE", f"/api/v1/documents/{document_id}", None)
        with self.lock:
            self.answers += 1
            if status is None:
                self.in_doubt.add(name)
            else:
                assert status in (204, 404), (name, status)
                self.accepted.pop(name, None)
                self.deleted.add(name)

    def go_on_with(self, server: LiveServer) -> None:
        self.http = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {server.token}"}, timeout=30, trust_env=False
        )

    def _send(self, method: str, path: str, content: bytes | None) -> int | None:
        try:
            return self.http.request(method, path, content=content).status_code
        except httpx.HTTPError:
            return None


def documents_of(console: httpx.Client, base: str) -> Iterator[tuple[str, str]]:
    """(name, id) of each, page by page."""
    offset = 0
    while True:
        asked = {"limit": 1000, "offset": offset}
        page = console.get(f"/api/v1/knowledge/{quote(base)}/documents", params=asked).raise_for_status().json()
        yield from ((document["name"], document["id"]) for document in page["documents"])
        offset += len(page["documents"])
        if not page["documents"] or offset >= page["total"]:
            return


def kill_after(server: LiveServer, client: Client, answers: int, extra_s: float) -> None:
    """Kills it once the client has had so many answers in all, and a moment more."""
    while client.answers < answers:
        time.sleep(0.005)
    time.sleep(extra_s)
    server.kill()


def test_every_accepted_document_survives_three_kills_once_or_failed_visibly(tmp_path: Path, store_url: str) -> None:
    seed = random.randrange(10**6)
    print(f"seed {seed}")
    chance = random.Random(seed)
    home = tmp_path / "home"
    config = FAKES if not store_url else f"{LIGHT}store: {{url: '{store_url}'}}\n"
    server = start_server(home, "--no-demo", config=config, environ=environ())
    with server.client() as console:
        for base in (BASE, PARENTS):
            console.post("/api/v1/knowledge", json={"name": base}).raise_for_status()
        rule = {"method": "parent_child", "separator": "\n\n", "child": {"max_tokens": 40}}
        told = console.put(f"/api/v1/knowledge/{quote(PARENTS)}/chunking", json={"chunking": rule})
        told.raise_for_status()
    client = Client()
    client.go_on_with(server)
    names = [f"규정 {n}.txt" for n in range(TEXTS)]
    work = [(name, text(name, 1)) for name in names] + list(whole_files().items()) + list(broken_files().items())
    chance.shuffle(work)
    with ThreadPoolExecutor(6) as pool:
        # uploads, and a kill among them
        killer = threading.Thread(
            target=kill_after, args=(server, client, chance.randrange(40, len(work)), chance.random() / 2)
        )
        killer.start()
        list(pool.map(lambda one: client.put(*one), work))
        killer.join()

        # what was in doubt is sent again, a third is replaced, some deleted, and a kill among it
        server = start_server(home, "--no-demo", environ=environ())
        client.go_on_with(server)
        with server.client() as console:
            ids = {name: i for base in (BASE, PARENTS) for name, i in documents_of(console, base)}
        assert client.accepted.keys() - client.in_doubt <= ids.keys()
        again = [(name, content) for name, content in work if name in client.in_doubt]
        third, gone_at = len(names) // 3, len(names) // 3 + len(names) // 8
        replaced = [(name, text(name, 2)) for name in names[:third]]
        gone = [name for name in names[third:gone_at] if name in ids]
        killer = threading.Thread(
            target=kill_after,
            args=(server, client, client.answers + chance.randrange(10, third + len(gone)), chance.random() / 2),
        )
        killer.start()
        jobs = [pool.submit(client.put, *one) for one in again]
        for number, one in enumerate(replaced):
            jobs.append(pool.submit(client.put, *one))
            if number < len(gone):
                jobs.append(pool.submit(client.delete, gone[number], ids[gone[number]]))
        for job in jobs:
            job.result()
        killer.join()

        # a kill in the midst of recovery
        server = start_server(home, "--no-demo", environ=environ())
        time.sleep(chance.uniform(0.2, 4.0))
        server.kill()

        # peace: what is still in doubt is sent again
        server = start_server(home, "--no-demo", environ=environ())
        client.go_on_with(server)
        list(pool.map(lambda name: client.put(name, dict(work)[name]), sorted(client.in_doubt)))
    for base in (BASE, PARENTS):
        server.wait_until_indexed(quote(base), seconds=180.0 + TEXTS)
    server.stop()

    census = take_census(home, store_url)
    census.check()
    assert drafts_of(home) == []
    rows = census.by_name()
    assert len(rows) >= TEXTS - len(gone)
    assert {row["parent_id"] is None for row in census.passages} == {True, False}
    assert client.deleted.isdisjoint(rows)
    assert rows.keys() == client.accepted.keys()
    for name, row in rows.items():
        assert row["state"] == ("failed" if name in broken_files() else "ready"), row
        assert [row["digest"]] == [hashlib.sha256(content).hexdigest() for content in client.accepted[name]]
        if name in names:
            found = census.text_of(row["id"])
            versions = [v for v in (1, 2) if f"{name} 판 {v}:" in found]
            assert [text(name, v) for v in versions] == list(client.accepted[name])
