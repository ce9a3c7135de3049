"""Uploads that are too large, too slow, broken off, all at once, or not what their name says."""

from __future__ import annotations

import io
import os
import socket
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.live import LiveServer
from tests.organs import parser_documents
from tests.reliability.census import blobs_of, drafts_of

pytestmark = pytest.mark.slow

MB = 1024 * 1024


def _request(server: LiveServer, base: str, name: str, *headers: str) -> bytes:
    """The head of a PUT of a document, for clients that misbehave."""
    lines = [
        f"PUT /api/v1/knowledge/{base}/documents/{name} HTTP/1.1",
        f"Host: {httpx.URL(server.url).netloc.decode()}",
        f"Authorization: Bearer {server.token}",
        *headers,
        "\r\n",
    ]
    return "\r\n".join(lines).encode()


def _connect(server: LiveServer) -> socket.socket:
    url = httpx.URL(server.url)
    return socket.create_connection((url.host, url.port), timeout=20)


def _until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def _documents(server: LiveServer, base: str) -> list[dict[str, Any]]:
    with server.client() as client:
        found: list[dict[str, Any]] = client.get(f"/api/v1/knowledge/{base}/documents").json()["documents"]
        return found


def _error(answer: httpx.Response) -> str:
    found = answer.json()["error"]
    assert set(found) == {"code", "message", "hint", "param", "request_id"}
    assert found["hint"]
    return str(found["code"])


@pytest.mark.parametrize("size", [MB + 1, 2 * MB + 1, 40 * MB])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_document_over_the_limit_is_refused_and_leaves_nothing(
    small_limits: LiveServer, base: str, size: int, chunked: bool
) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, size, 65536):
            yield b"w" * min(65536, size - start)

    before = blobs_of(small_limits.home)
    with small_limits.client() as client:
        try:
            answer = client.put(
                f"/api/v1/knowledge/{base}/documents/large.txt", content=pieces() if chunked else b"w" * size
            )
        except httpx.WriteError:  # it hung up on a caller that went on sending
            assert size == 40 * MB
        else:
            assert (answer.status_code, _error(answer)) == (413, "too_large")
    _until(lambda: drafts_of(small_limits.home) == [])
    assert blobs_of(small_limits.home) == before
    assert _documents(small_limits, base) == []


def test_a_document_of_the_largest_size_is_taken(small_limits: LiveServer, base: str) -> None:
    content = (b"word " * MB)[: MB - 1] + b"\n"
    assert small_limits.put(base, "largest.txt", content)["outcome"] == "accepted"
    with small_limits.client() as client:
        assert client.delete(f"/api/v1/documents/{_documents(small_limits, base)[0]['id']}").status_code == 204
    assert blobs_of(small_limits.home) == set()


@pytest.mark.parametrize("framing", ["Content-Length: 900000", "Transfer-Encoding: chunked"])
def test_a_client_that_leaves_in_the_middle_leaves_nothing(small_limits: LiveServer, base: str, framing: str) -> None:
    logged = len(small_limits.log())
    with _connect(small_limits) as connection:
        body = b"x" * 300_000 if "Length" in framing else b"493E0\r\n" + b"x" * 300_000 + b"\r\n"
        connection.sendall(_request(small_limits, base, "half.txt", framing) + body)
        _until(lambda: drafts_of(small_limits.home) != [])
    _until(lambda: drafts_of(small_limits.home) == [])
    time.sleep(0.2)
    assert _documents(small_limits, base) == []
    assert small_limits.log()[logged:] == ""


def test_a_slow_client_holds_up_nobody(small_limits: LiveServer, base: str) -> None:
    with _connect(small_limits) as slow:
        slow.sendall(_request(small_limits, base, "slow.txt", "Content-Length: 24") + b"begun ")
        assert small_limits.put(base, "other.txt", b"other words")["outcome"] == "accepted"
        assert small_limits.wait_until_indexed(base) == {"ready": 1}
        for piece in (b"slow ", b"and ", b"goes on.\n"):
            time.sleep(0.1)
            slow.sendall(piece)
        assert slow.recv(4096).startswith(b"HTTP/1.1 202")
    assert small_limits.wait_until_indexed(base) == {"ready": 2}


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /api/v1/knowledge HTTP/1.1\r\n\r\n", b"403"),
        (b"GARBAGE\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"400"),
        (b"POST /api/v1/knowledge HTTP/1.1\r\nContent-Length: -5\r\n\r\n", b"400"),
        (b"POST /api/v1/knowledge HTTP/1.1\r\nContent-Length: 5, 6\r\n\r\n", b"400"),
        (b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", b"4"),
    ],
)
def test_what_is_no_request_is_refused_and_the_server_goes_on(
    small_limits: LiveServer, head: bytes, status: bytes
) -> None:
    with _connect(small_limits) as connection:
        connection.sendall(head)
        try:
            answer = connection.recv(4096)
        except ConnectionError:
            answer = b""
    assert not answer or answer.split(b" ")[1].startswith(status), answer
    with small_limits.client() as client:
        assert client.get("/healthz").status_code == 200


def test_fifty_uploads_of_one_file_at_once_are_one_document(small_limits: LiveServer, base: str) -> None:
    with ThreadPoolExecutor(25) as pool:
        found = list(pool.map(lambda _: small_limits.put(base, "one.txt", b"the same words"), range(50)))
    assert sorted(str(one["outcome"]) for one in found) == ["accepted", *["unchanged"] * 49]
    assert small_limits.wait_until_indexed(base) == {"ready": 1}


def test_one_file_under_fifty_names_at_once_is_one_document(small_limits: LiveServer, base: str) -> None:
    with ThreadPoolExecutor(25) as pool:
        found = list(pool.map(lambda n: small_limits.put(base, f"{n}.txt", b"the same words"), range(50)))
    assert sorted(str(one["outcome"]) for one in found) == ["accepted", *["duplicate"] * 49]
    assert small_limits.wait_until_indexed(base) == {"ready": 1}


def test_of_twenty_bases_of_one_name_made_at_once_one_is_made(small_limits: LiveServer) -> None:
    def make(_: int) -> httpx.Response:
        with small_limits.client() as client:
            return client.post("/api/v1/knowledge", json={"name": "동시에"})

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(make, range(20)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 19]
    assert {_error(answer) for answer in answers if answer.status_code == 409} == {"conflict"}
    with small_limits.client() as client:
        assert client.delete("/api/v1/knowledge/동시에").status_code == 204


def test_uploads_replacements_and_deletions_at_once_leave_what_was_last_asked(
    small_limits: LiveServer, base: str
) -> None:
    def one(number: int) -> None:
        with small_limits.client() as client:
            for version in range(4):
                content = f"document {number} in version {version}".encode()
                put = client.put(f"/api/v1/knowledge/{base}/documents/{number}.txt", content=content)
                assert put.status_code == 202, put.text
                if version == 2 or (number % 2 and version == 3):
                    gone = client.delete(f"/api/v1/documents/{put.json()['document']['id']}")
                    assert gone.status_code == 204, gone.text

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(one, range(20)))
    assert small_limits.wait_until_indexed(base) == {"ready": 10}
    with small_limits.client() as client:
        for document in _documents(small_limits, base):
            found = client.get(f"/api/v1/documents/{document['id']}/passages").json()
            number = document["name"].removesuffix(".txt")
            assert [passage["text"] for passage in found] == [f"document {number} in version 3"]


def test_deleting_a_base_during_uploads_leaves_no_document_and_no_bytes(small_limits: LiveServer) -> None:
    with small_limits.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": "soon gone"}).json()["id"]

    def put(number: int) -> int:
        with small_limits.client() as client:
            if number == 20:
                return client.delete(f"/api/v1/knowledge/{base}").status_code
            content = f"words of document {number}".encode()
            return client.put(f"/api/v1/knowledge/{base}/documents/{number}.txt", content=content).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(put, range(60)))
    assert set(answers) <= {202, 204, 404}
    _until(lambda: blobs_of(small_limits.home) == set())


def _bomb() -> bytes:
    """A DOCX of 700 KB whose document is 500 MB of XML."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        with zipfile.ZipFile(io.BytesIO(parser_documents.word())) as whole:
            for name in whole.namelist():
                if name != "word/document.xml":
                    file.writestr(name, whole.read(name))
        with file.open("word/document.xml", "w", force_zip64=True) as member:
            member.write(b'<?xml version="1.0"?><w:document xmlns:w="x"><w:body>')
            for _ in range(500):
                member.write(b"<w:p/>" * (MB // 6))
    return buffer.getvalue()


FILES: dict[str, tuple[bytes, set[str]]] = {
    "empty.txt": (b"", {"document_empty"}),
    "blank.txt": (b" \n\t\n", {"document_empty"}),
    "empty.pdf": (b"", {"document_empty", "document_unreadable"}),
    "garbage.pdf": (b"\xff" * 50_000, {"document_unreadable", "document_mislabelled", "document_empty"}),
    "garbage.docx": (os.urandom(50_000), {"document_unreadable", "document_mislabelled"}),
    "locked.pdf": (parser_documents.locked_pdf(), {"document_locked"}),
    "bomb.docx": (
        _bomb(),
        {"document_too_large", "document_timeout", "document_unreadable", "document_crashed_reader"},
    ),
    "cut.docx": (parser_documents.word()[:-2000], {"document_unreadable"}),
    "program.exe": (b"MZ\x90\x00" + b"\x00" * 5000, {"unsupported_type", "document_unreadable"}),
    "picture.pdf": (parser_documents.png(), {"ready", "document_mislabelled"}),
    "euc-kr.txt": ("연차 휴가는 열다섯 날입니다. 한글 문서입니다.".encode("euc-kr"), {"ready"}),
    "utf-16.txt": ("연차 휴가는 열다섯 날입니다.".encode("utf-16"), {"ready"}),
    "mixed.txt": ("연차 휴가 ".encode() * 20 + b"\xff\xfe\xfa" + "열다섯 날".encode(), {"ready"}),
}


def test_each_strange_file_is_read_or_fails_alone_with_its_reason(small_limits: LiveServer, base: str) -> None:
    assert len(FILES["bomb.docx"][0]) < MB
    for name, (content, _) in FILES.items():
        small_limits.put(base, name, content)
    small_limits.put(base, "good.txt", b"good words")
    small_limits.wait_until_indexed(base, seconds=90)
    found = {document["name"]: document for document in _documents(small_limits, base)}
    assert found["good.txt"]["state"] == "ready"
    told = {name: found[name]["error_code"] or found[name]["state"] for name in FILES if name in found}
    wrong = {name: code for name, code in told.items() if code not in FILES[name][1]}
    assert wrong == {}
    for document in found.values():
        if document["state"] == "failed":
            assert document["error_message"]
            assert document["error_hint"]
    with small_limits.client() as client:
        for name in ("euc-kr.txt", "utf-16.txt"):
            text = client.get(f"/api/v1/documents/{found[name]['id']}/passages").json()[0]["text"]
            assert "연차 휴가는 열다섯 날입니다." in text
    assert found["mixed.txt"]["warnings"]


def test_a_failed_document_is_tried_again_when_asked(small_limits: LiveServer, base: str) -> None:
    small_limits.put(base, "locked.pdf", parser_documents.locked_pdf())
    small_limits.wait_until_indexed(base)
    document = _documents(small_limits, base)[0]
    with small_limits.client() as client:
        assert client.post(f"/api/v1/documents/{document['id']}/retry").status_code == 202
        small_limits.wait_until_indexed(base)
        assert _documents(small_limits, base)[0]["state"] == "failed"
        good = small_limits.put(base, "locked.pdf", parser_documents.pdf())
        assert good["outcome"] == "replaced"
        assert small_limits.wait_until_indexed(base) == {"ready": 1}
        answer = client.post(f"/api/v1/documents/{document['id']}/retry")
        assert (answer.status_code, _error(answer)) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/api/v1/knowledge/x/documents/a.txt"),
        ("DELETE", "/api/v1/knowledge/x"),
        ("DELETE", "/api/v1/documents/x"),
        ("POST", "/api/v1/documents/x/retry"),
        ("POST", "/api/v1/knowledge"),
        ("POST", "/v1/chat-messages"),
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/files/upload"),
        ("GET", "/v1/conversations"),
    ],
)
@pytest.mark.parametrize(
    "key", [None, "Bearer", "Bearer nonsense", "Basic YTpi", "Bearer \xff\xfe", "Bearer " + "x" * 9000]
)
def test_without_a_good_key_nothing_is_done(small_limits: LiveServer, method: str, path: str, key: str | None) -> None:
    headers = [(b"Content-Type", b"application/json")]
    headers += [] if key is None else [(b"Authorization", key.encode("latin-1"))]
    with httpx.Client(base_url=small_limits.url, trust_env=False) as anonymous:
        answer = anonymous.request(method, path, headers=headers, content=b'{"name":"x"}' if method == "POST" else None)
    assert answer.status_code == 401, answer.text
    assert "unauthorized" in answer.text or "invalid_api_key" in answer.text


def test_a_key_of_each_kind_opens_only_its_own_surface(small_limits: LiveServer) -> None:
    with small_limits.client() as client:
        client.post("/api/v1/apps", json={"name": "kinds"}).raise_for_status()
        asked: list[dict[str, str]] = [{"kind": "app", "app": "kinds"}, {"kind": "model"}, {"kind": "dataset"}]
        tokens = {one["kind"]: client.post("/api/v1/keys", json=one).json()["token"] for one in asked}
        tokens["admin"] = small_limits.token
        allowed = {"/api/v1/knowledge": {"admin"}, "/v1/parameters": {"app"}, "/v1/models": {"model", "app"}}
        for path, kinds in allowed.items():
            for kind, token in tokens.items():
                headers = {"Authorization": f"Bearer {token}"}
                status = httpx.get(small_limits.url + path, headers=headers, trust_env=False).status_code
                assert (status == 200) == (kind in kinds) or path == "/v1/models", (path, kind, status)
                assert status in (200, 401, 403), (path, kind, status)
        client.delete("/api/v1/apps/kinds").raise_for_status()


def test_nothing_was_left_in_the_folder_for_uploads(small_limits: LiveServer) -> None:
    assert drafts_of(small_limits.home) == []
    assert [p for p in Path(small_limits.home, "blobs").glob("??/??/*") if p.stat().st_mode & 0o077] == []
