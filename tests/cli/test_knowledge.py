"""The other commands of `llmflow knowledge`."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from tests.cli.conftest import Run, Stub
from tests.cli.test_upload import document


@pytest.fixture
def base(stub: Stub) -> Stub:
    about = {"id": "b1", "name": "인사 규정", "created_at": 0, "description": "휴가와 근무"}
    stub.routes["GET", "/knowledge"] = (200, [{"base": about, "documents": {"ready": 3, "failed": 1}}])
    stub.routes["GET", "/knowledge/kb"] = (200, {"base": about, "documents": {"ready": 3, "failed": 1}})
    return stub


HIT: dict[str, Any] = {
    "document": "휴가 규정.pdf",
    "chunk_id": "c1",
    "text": "연차는 15일이다.",
    "score": 0.91,
    "scores": {"dense": 0.83, "keyword": 12.5, "rerank": None, "graph": None},
    "page": 3,
    "heading_path": ["휴가", "연차"],
}


def test_search_tells_the_hits_as_the_server_does(run: Run, base: Stub) -> None:
    base.routes["POST", "/knowledge/kb/search"] = (200, {"found": [HIT], "notes": [], "wordings": ["연차"]})
    result = run("knowledge", "search", "kb", "연차", "--mode", "keyword", "--top-k", "3", "--json")
    assert result.json["hits"] == [HIT]
    assert base.sent("POST")[0].json == {"query": "연차", "mode": "keyword", "top_k": 3}


def test_search_shows_where_a_passage_stands_and_why_it_was_found(run: Run, base: Stub) -> None:
    base.routes["POST", "/knowledge/kb/search"] = (200, {"found": [HIT], "notes": [], "wordings": ["연차"]})
    assert run("knowledge", "search", "kb", "연차").out == (
        "1. 휴가 규정.pdf, p. 3 - 휴가 > 연차  0.910 (dense 0.830, keyword 12.500)\n   연차는 15일이다.\n"
    )


def test_a_search_that_could_not_be_reranked_says_so_beside_its_hits(run: Run, base: Stub) -> None:
    notes = [{"code": "rerank_missing", "text": "Not ranked anew: No reranker is set up."}]
    base.routes["POST", "/knowledge/kb/search"] = (200, {"found": [HIT], "notes": notes, "wordings": ["연차"]})
    result = run("knowledge", "search", "kb", "연차", "--rerank")
    assert "Not ranked anew: No reranker is set up." in result.err
    assert "휴가 규정.pdf" in result.out
    assert base.sent("POST")[0].json == {"query": "연차", "rerank": True}


def test_what_this_version_lacks_is_said_not_faked(run: Run, base: Stub) -> None:
    result = run("knowledge", "search", "kb", "q", "--mode", "graph", "--json")
    assert result.code == 1
    assert result.error["code"] == "not_yet"


def test_list_shows_the_states_of_documents(run: Run, base: Stub) -> None:
    assert "인사 규정  3 ready, 1 failed" in run("knowledge", "list").out
    assert run("knowledge", "list", "--json").json["knowledge"][0]["documents"] == {"ready": 3, "failed": 1}


def test_documents_says_what_went_wrong_with_each(run: Run, base: Stub) -> None:
    failed = document("b.pdf", "failed", error_code="document_locked", error_message="Locked.", error_hint="Unlock.")
    base.routes["GET", "/knowledge/kb/documents"] = (200, {"documents": [document("a.txt"), failed], "total": 2})
    assert run("knowledge", "documents", "kb").out.splitlines() == [
        "ready    a.txt (5 B, 1 passages)",
        "failed   b.pdf: document_locked: Locked. Unlock.",
    ]


def test_every_page_of_documents_is_read(run: Run, base: Stub) -> None:
    def page(request: Any) -> tuple[int, Any]:
        offset = int(request.query.split("offset=")[1].split("&")[0])
        return 200, {"documents": [document(f"{offset}.txt"), document(f"{offset + 1}.txt")][: 5 - offset], "total": 5}

    base.routes["GET", "/knowledge/kb/documents"] = page
    found = run("knowledge", "documents", "kb", "--json").json["documents"]
    assert [d["name"] for d in found] == ["0.txt", "1.txt", "2.txt", "3.txt", "4.txt"]


def test_retry_queues_every_failed_document(run: Run, base: Stub) -> None:
    base.routes["GET", "/knowledge/kb/documents"] = (200, {"documents": [document("b.pdf", "failed")], "total": 1})
    base.routes["POST", "/documents/id-b.pdf/retry"] = (202, document("b.pdf", "queued"))
    assert run("knowledge", "retry", "kb").out == "1 queued again.\n"


def test_remove_removes_nothing_when_one_name_is_wrong(run: Run, base: Stub) -> None:
    base.routes["GET", "/knowledge/kb/documents"] = (200, {"documents": [document("a.txt")], "total": 1})
    base.routes["DELETE", "/documents/id-a.txt"] = (204, None)
    assert run("knowledge", "remove", "kb", "a.txt", "b.txt").code == 1
    assert base.sent("DELETE") == []
    assert run("knowledge", "remove", "kb", "a.txt").code == 0
    assert len(base.sent("DELETE")) == 1


def test_delete_asks_nobody_only_with_yes(run: Run, base: Stub) -> None:
    base.routes["DELETE", "/knowledge/kb"] = (204, None)
    refused = run("knowledge", "delete", "kb")
    assert refused.code == 1
    assert "needs --yes" in refused.err
    assert run("knowledge", "delete", "kb", "--yes").out == "Deleted 인사 규정\n"


def test_remove_knows_a_korean_name_typed_in_parts(run: Run, base: Stub) -> None:
    base.routes["GET", "/knowledge/kb/documents"] = (200, {"documents": [document("휴가.txt")], "total": 1})
    base.fallback = lambda request: (204, None)
    assert run("knowledge", "remove", "kb", unicodedata.normalize("NFD", "휴가.txt")).code == 0
    assert [request.name for request in base.sent("DELETE")] == ["id-휴가.txt"]
