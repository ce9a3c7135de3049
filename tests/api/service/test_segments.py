"""Dify's operations of segments: the passages of a document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.chat_server import ChatServer

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def datasets(chat_server: ChatServer) -> Iterator[httpx.Client]:
    with chat_server.client(chat_server.dataset) as client:
        yield client


@pytest.fixture(scope="module")
def base(chat_server: ChatServer) -> str:
    with chat_server.client(chat_server.dataset) as client:
        return str(client.post("/datasets", json={"name": "조각"}).raise_for_status().json()["id"])


@pytest.fixture
def document(chat_server: ChatServer, datasets: httpx.Client, base: str) -> str:
    """The path of a document with one passage."""
    body = {"name": "규정.txt", "text": "연차 휴가는 매년 15일입니다.", "indexing_technique": "high_quality"}
    made = datasets.post(f"/datasets/{base}/document/create-by-text", json=body).raise_for_status().json()
    chat_server.live.wait_until_indexed("조각")
    return f"/datasets/{base}/documents/{made['document']['id']}"


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _found(client: httpx.Client, base: str, query: str) -> list[str]:
    model = {"search_method": "keyword_search", "reranking_enable": False, "top_k": 9, "score_threshold_enabled": False}
    answer = client.post(f"/datasets/{base}/retrieve", json={"query": query, "retrieval_model": model})
    return [record["segment"]["content"] for record in answer.raise_for_status().json()["records"]]


def _add(client: httpx.Client, document: str, *contents: str, **more: Any) -> list[dict[str, Any]]:
    body = {"segments": [{"content": content, **more} for content in contents]}
    return list(client.post(f"{document}/segments", json=body).raise_for_status().json()["data"])


def test_segments_are_added_listed_and_looked_at(datasets: httpx.Client, base: str, document: str) -> None:
    added = _add(datasets, document, "반차는 4시간입니다.", "병가는 진단서를 냅니다.", keywords=["근태"])
    assert [(one["position"], one["keywords"], one["status"]) for one in added] == [
        (2, ["근태"], "completed"),
        (3, ["근태"], "completed"),
    ]
    page = datasets.get(f"{document}/segments", params={"limit": 2}).json()
    assert [one["content"] for one in page["data"]] == ["연차 휴가는 매년 15일입니다.", "반차는 4시간입니다."]
    assert (page["total"], page["has_more"], page["doc_form"]) == (3, True, "text_model")
    found = datasets.get(f"{document}/segments", params={"keyword": "진단서"}).json()["data"]
    assert [one["id"] for one in found] == [added[1]["id"]]
    assert datasets.get(f"{document}/segments", params={"status": "indexing"}).json()["total"] == 0
    alone = datasets.get(f"{document}/segments/{added[0]['id']}").json()
    assert (alone["data"]["content"], alone["data"]["child_chunks"]) == ("반차는 4시간입니다.", [])
    assert "병가는 진단서를 냅니다." in _found(datasets, base, "진단서")
    told = datasets.get(document).json()
    assert told["segment_count"] == 3
    assert (
        datasets.get(f"/datasets/{base}/documents", params={"keyword": told["name"]}).json()["data"][0]["word_count"]
        == 41
    )


def test_a_segment_is_changed_switched_off_and_deleted(datasets: httpx.Client, base: str, document: str) -> None:
    (added,) = _add(datasets, document, "출장비는 하루 5만원입니다.")
    path = f"{document}/segments/{added['id']}"
    changed = datasets.post(path, json={"segment": {"content": "출장비는 하루 칠만원입니다."}}).json()["data"]
    assert (changed["content"], changed["id"]) == ("출장비는 하루 칠만원입니다.", added["id"])
    assert _found(datasets, base, "칠만원") == ["출장비는 하루 칠만원입니다."]
    off = datasets.post(path, json={"segment": {"enabled": False}}).json()["data"]
    assert (off["enabled"], off["content"]) == (False, "출장비는 하루 칠만원입니다.")
    assert _found(datasets, base, "칠만원") == []
    assert datasets.post(path, json={"segment": {"enabled": True}}).json()["data"]["enabled"] is True
    assert _found(datasets, base, "칠만원") == ["출장비는 하루 칠만원입니다."]
    assert datasets.delete(path).status_code == 204
    assert _code(datasets.delete(path)) == (404, "not_found")
    assert _found(datasets, base, "칠만원") == []


def test_a_flat_segment_has_no_child_chunks(datasets: httpx.Client, document: str) -> None:
    (first,) = datasets.get(f"{document}/segments").json()["data"]
    path = f"{document}/segments/{first['id']}/child_chunks"
    assert datasets.get(path).json() == {"data": [], "total": 0, "total_pages": 0, "page": 1, "limit": 20}
    assert _code(datasets.post(path, json={"content": "x"})) == (400, "invalid_param")
    for method in ("PATCH", "DELETE"):
        gone = datasets.request(method, f"{path}/{first['id']}", json={"content": "x"})
        assert (gone.status_code, gone.json()["message"]) == (404, "Child chunk not found.")


def test_segments_that_cannot_be_taken_are_coded_errors(datasets: httpx.Client, base: str, document: str) -> None:
    path = f"{document}/segments"
    wrong: dict[str, Any]
    for wrong in ({}, {"segments": []}, {"segments": [{"content": " "}]}, {"segments": [{"answer": "x"}]}):
        assert _code(datasets.post(path, json=wrong)) == (400, "invalid_param")
    many = datasets.post(path, json={"segments": [{"content": "x"}] * 1001})
    assert (many.status_code, many.json()["message"]) == (400, "Exceeded maximum segments limit of 1000.")
    assert _code(datasets.get(f"{path}/{NOBODY}")) == (404, "not_found")
    ids = {"document_ids": [document.rpartition("/")[2]]}
    (first,) = datasets.get(path).json()["data"]
    datasets.patch(f"/datasets/{base}/documents/status/disable", json=ids)
    disabled = datasets.post(path, json={"segments": [{"content": "x"}]})
    assert (disabled.status_code, disabled.json()["message"]) == (404, "Document is disabled.")
    datasets.patch(f"/datasets/{base}/documents/status/archive", json=ids)
    for answer in (
        datasets.post(path, json={"segments": [{"content": "x"}]}),
        datasets.post(f"{path}/{first['id']}", json={"segment": {"content": "x"}}),
        datasets.delete(f"{path}/{first['id']}"),
    ):
        assert _code(answer) == (403, "archived_document_immutable")
