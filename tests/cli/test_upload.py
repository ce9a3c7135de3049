"""`knowledge add`: what is sent under which name, what is passed over, how it ends."""

from __future__ import annotations

import os
import socket
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from llmflow.cli.upload import collect
from tests.cli.conftest import Answer, Request, Run, Stub, refusal


def document(name: str, state: str = "ready", **changes: Any) -> dict[str, Any]:
    """A document as the console API tells it."""
    return {
        "id": f"id-{name}",
        "name": name,
        "size": 5,
        "state": state,
        "stage": "",
        "done": 0,
        "total": 0,
        "pages": None,
        "chunk_count": 1,
        "media_type": "text/plain",
        "warnings": [],
        "error_code": "",
        "error_message": "",
        "error_hint": "",
        **changes,
    }


@pytest.fixture
def base(stub: Stub) -> Stub:
    """A server with the knowledge base `kb`, which accepts every document."""
    stub.routes["GET", "/knowledge/kb"] = (200, {"base": {"id": "b1", "name": "kb"}, "documents": {}})

    def accept(request: Request) -> Answer:
        if request.method == "PUT":
            return 202, {"document": document(request.name, "queued"), "outcome": "accepted"}
        return 404, refusal("not_found", "No such thing.")

    stub.fallback = accept
    return stub


def write(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"text of {name}")
    return folder


def test_a_folder_is_sent_whole_but_for_hidden_files(run: Run, base: Stub, tmp_path: Path) -> None:
    folder = write(
        tmp_path / "docs", "a.txt", "안내/휴가 규정 🌴.md", ".secret", ".git/config", "~$a.docx", "b/c #1?.txt"
    )
    result = run("knowledge", "add", "kb", folder)
    assert result.code == 0, result.err
    assert {r.name: r.body.decode() for r in base.sent("PUT")} == {
        "a.txt": "text of a.txt",
        "휴가 규정 🌴.md": "text of 안내/휴가 규정 🌴.md",
        "c #1?.txt": "text of b/c #1?.txt",
    }
    assert result.out == "3 accepted\n"


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", "2023/report.txt", "2024/report.txt", "2024/한/report.txt")
    files, missing = collect([folder])
    assert [file.name for file in files] == ["report.txt", "2024 › report.txt", "2024 › 한 › report.txt"]
    assert missing == []
    other = write(tmp_path / "other", "report.txt")
    names = [file.name for file in collect([folder, other])[0]]
    assert len(set(names)) == 4


def test_a_name_is_the_same_from_every_file_system(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "한글.txt")
    files, _ = collect([write(tmp_path / "docs", decomposed)])
    assert [file.name for file in files] == ["한글.txt"]


def test_a_loop_of_links_ends(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", "a.txt", "in/b.txt")
    (folder / "in" / "up").symlink_to(folder)
    (folder / "gone").symlink_to(tmp_path / "nowhere")
    files, _ = collect([folder])
    assert [file.name for file in files] == ["a.txt", "b.txt"]


def test_a_pipe_in_a_folder_is_passed_over(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", "a.txt")
    os.mkfifo(folder / "pipe")
    assert [file.name for file in collect([folder])[0]] == ["a.txt"]


def test_a_hidden_file_that_is_named_is_sent(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", ".env.md")
    assert [file.name for file in collect([folder / ".env.md"])[0]] == [".env.md"]


def test_a_refused_file_does_not_stop_the_others(run: Run, base: Stub, tmp_path: Path) -> None:
    def answer(request: Request) -> Answer:
        if request.name == "big.txt":
            return 413, refusal("too_large", "The file has too many bytes.", "Send less.")
        return 202, {"document": document(request.name, "queued"), "outcome": "accepted"}

    base.fallback = answer
    folder = write(tmp_path / "docs", "big.txt", "small.txt")
    result = run("knowledge", "add", "kb", folder, tmp_path / "no such file")
    assert result.code == 1
    assert "big.txt: [too_large] The file has too many bytes. Send less." in result.err
    assert "[not_found] There is no file" in result.err
    assert result.out == "2 refused, 1 accepted\n"


def test_a_file_that_cannot_be_read_is_named(run: Run, base: Stub, tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", "a.txt", "b.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "s"))  # a file that nobody can open, not even root
        result = run("knowledge", "add", "kb", folder / "s", folder / "a.txt", "--json")
    assert result.code == 1
    assert [(d["outcome"], d["code"]) for d in result.json["documents"]] == [
        ("refused", "document_unreadable"),
        ("accepted", ""),
    ]


def test_a_full_disk_stops_at_once(run: Run, base: Stub, tmp_path: Path) -> None:
    base.fallback = lambda request: (503, refusal("disk_full", "Only 3 MB are free.", "Free some space."))
    result = run("knowledge", "add", "kb", write(tmp_path / "docs", "a.txt", "b.txt"))
    assert result.code == 1
    assert len(base.sent("PUT")) == 1
    assert "error[disk_full]" in result.err


def test_an_unknown_base_names_those_there_are(run: Run, stub: Stub, tmp_path: Path) -> None:
    stub.routes["GET", "/knowledge"] = (200, [{"base": {"name": "인사"}, "documents": {}}])
    result = run("knowledge", "add", "kb", write(tmp_path / "docs", "a.txt"))
    assert result.code == 1
    assert "There is no knowledge base `kb`. There are: 인사." in result.err
    assert stub.sent("PUT") == []


def test_create_makes_the_base_first(run: Run, base: Stub, tmp_path: Path) -> None:
    del base.routes["GET", "/knowledge/kb"]
    base.routes["POST", "/knowledge"] = (201, {"id": "b1", "name": "kb"})
    assert run("knowledge", "add", "kb", write(tmp_path / "docs", "a.txt"), "--create").code == 0
    assert [request.method for request in base.requests] == ["GET", "POST", "PUT"]


class Reading:
    """A server that reads its documents while it is watched: `a` becomes ready, `b` fails."""

    def __init__(self, stub: Stub) -> None:
        self.looks = 0
        stub.fallback = self.answer
        stub.routes["GET", "/knowledge/kb"] = lambda request: (
            200,
            {"base": {"name": "kb"}, "documents": {"queued": 2}},
        )

    def answer(self, request: Request) -> Answer:
        if request.method == "PUT":
            return 202, {"document": document(request.name, "queued"), "outcome": "accepted"}
        if request.path.endswith("/documents"):
            return self.listed("running" if "running" in request.query else "queued")
        if request.name == "id-a.txt":
            return 200, document("a.txt", warnings=["Page 2 was not read."])
        error = {"error_code": "document_locked", "error_message": "It has a password.", "error_hint": "Remove it."}
        return 200, document("b.txt", "failed", **error)

    def listed(self, state: str) -> Answer:
        self.looks += state == "queued"
        busy = {1: {"queued": ["b.txt"], "running": ["a.txt"]}, 2: {"running": ["b.txt"]}}.get(self.looks, {})
        found = [document(name, state, stage="parse", done=1, total=3) for name in busy.get(state, [])]
        return 200, {"documents": found, "total": len(found)}


def test_wait_returns_when_every_document_is_ready_or_failed(run: Run, base: Stub, tmp_path: Path) -> None:
    reading = Reading(base)
    result = run("knowledge", "add", "kb", write(tmp_path / "docs", "a.txt", "b.txt"), "--wait")
    assert reading.looks == 3
    assert result.code == 1
    assert result.out == "2 accepted\n1 ready, 1 failed\n"
    assert "b.txt: [document_locked] It has a password. Remove it." in result.err
    assert "a.txt: Page 2 was not read." in result.err
    assert "a.txt: reading 1 of 3" in result.err


def test_wait_with_json_is_one_document(run: Run, base: Stub, tmp_path: Path) -> None:
    Reading(base)
    result = run("knowledge", "add", "kb", write(tmp_path / "docs", "a.txt", "b.txt"), "--wait", "--json")
    found = result.json
    assert found["counts"] == {
        "accepted": 2,
        "replaced": 0,
        "unchanged": 0,
        "duplicate": 0,
        "refused": 0,
        "ready": 1,
        "failed": 1,
    }
    assert [d["state"] for d in found["documents"]] == ["ready", "failed"]
    assert found["documents"][1]["code"] == "document_locked"


def test_a_document_deleted_meanwhile_ends_the_waiting(run: Run, base: Stub, tmp_path: Path) -> None:
    base.routes["GET", "/knowledge/kb/documents"] = (200, {"documents": [], "total": 0})
    result = run("knowledge", "add", "kb", write(tmp_path / "docs", "a.txt"), "--wait", "--json")
    assert result.code == 1
    assert result.json["documents"][0]["message"] == "It was deleted while it was waited for."


def test_waiting_for_an_archive_waits_for_what_comes_out_of_it(run: Run, base: Stub, tmp_path: Path) -> None:
    archive = document("a.zip", media_type="application/zip", chunk_count=0)
    inner = [
        document("a.zip › a.txt"),
        document("a.zip › b.exe", "failed", error_code="unsupported_type", error_message="It is a program."),
    ]
    base.routes["GET", "/documents/id-a.zip"] = (200, archive)
    base.routes["GET", "/knowledge/kb/documents"] = (200, {"documents": inner, "total": 2})
    result = run("knowledge", "add", "kb", write(tmp_path, "a.zip") / "a.zip", "--wait")
    assert result.code == 1
    assert "[unsupported_type] It is a program." in result.err
    assert "2 ready, 1 failed" in result.out
