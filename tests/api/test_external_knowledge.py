"""Dify's External Knowledge API, as a Dify asks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.api.chat_server import ChatServer

NOTHING = {"logical_operator": "and", "conditions": []}


@pytest.fixture
def dify(chat_server: ChatServer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {chat_server.dataset}"}
    with httpx.Client(base_url=chat_server.live.url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def base(chat_server: ChatServer) -> str:
    """A base of two documents of different years."""
    with chat_server.client(chat_server.dataset) as client:
        made = client.post("/datasets", json={"name": "밖에서 묻는 지식"}).raise_for_status().json()
        id = str(made["id"])
        year = client.post(f"/datasets/{id}/metadata", json={"type": "number", "name": "연도"}).json()["id"]
        for name, text, of in (
            ("옛 규정", "연차 휴가는 10일입니다.", 2020),
            ("새 규정", "연차 휴가는 15일입니다.", 2026),
        ):
            body = {"name": name, "text": text, "indexing_technique": "high_quality"}
            document = client.post(f"/datasets/{id}/document/create-by-text", json=body).json()["document"]["id"]
            said = [{"document_id": document, "metadata_list": [{"id": year, "value": of}]}]
            client.post(f"/datasets/{id}/documents/metadata", json={"operation_data": said}).raise_for_status()
    chat_server.live.wait_until_indexed("밖에서 묻는 지식")
    return id


def _asked(dify: httpx.Client, base: str, **more: Any) -> list[dict[str, Any]]:
    setting = {"top_k": 5, "score_threshold": 0.0}
    body = {
        "knowledge_id": base,
        "query": "연차 휴가",
        "retrieval_setting": setting,
        "metadata_condition": None,
        **more,
    }
    answer = dify.post("/retrieval", json=body).raise_for_status()
    return list(answer.json()["records"])


def test_an_empty_probe_passes_with_a_good_key_and_a_wrong_key_is_seen(dify: httpx.Client) -> None:
    answer = dify.post("/retrieval")
    assert (answer.status_code, answer.json()["error_code"]) == (400, 400)
    for key, code in (("Bearer dataset-wrong", 1002), ("Bearer app-wrong", 1002), ("", 1001)):
        answer = dify.post("/retrieval", headers={"Authorization": key})
        assert (answer.status_code, answer.json()["error_code"]) == (403, code)


def test_an_apps_key_opens_no_knowledge(chat_server: ChatServer, dify: httpx.Client) -> None:
    answer = dify.post("/retrieval", headers={"Authorization": f"Bearer {chat_server.knows}"})
    assert (answer.status_code, answer.json()["error_code"]) == (403, 1002)


def test_passages_come_with_scores_titles_and_what_documents_say(dify: httpx.Client, base: str) -> None:
    records = _asked(dify, base)
    assert {record["title"] for record in records} == {"옛 규정", "새 규정"}
    for record in records:
        assert 0 <= record["score"] <= 1
        assert record["content"].startswith("연차 휴가는")
        assert record["metadata"]["연도"] in (2020, 2026)
    assert [record["title"] for record in _asked(dify, base, retrieval_setting={"top_k": 1})] == [records[0]["title"]]


def test_conditions_and_nulls_are_taken(dify: httpx.Client, base: str) -> None:
    newer = {"name": "연도", "comparison_operator": ">", "value": 2021}
    for condition in (newer, newer | {"name": ["연도"]}, newer | {"value": "2021"}):
        wanted = {"logical_operator": "and", "conditions": [condition]}
        found = _asked(dify, base, metadata_condition=wanted)
        assert [record["title"] for record in found] == ["새 규정"]
    named = {"name": "document_name", "comparison_operator": "contains", "value": "옛"}
    either = {"logical_operator": "or", "conditions": [newer, named]}
    assert len(_asked(dify, base, metadata_condition=either)) == 2
    for none in (None, NOTHING):
        nulls = {"top_k": None, "score_threshold": None}
        assert len(_asked(dify, base, metadata_condition=none, retrieval_setting=nulls)) == 2


def test_a_threshold_is_kept(dify: httpx.Client, base: str) -> None:
    scores = [record["score"] for record in _asked(dify, base)]
    kept = _asked(dify, base, retrieval_setting={"top_k": 5, "score_threshold": max(scores)})
    assert (len(scores), [record["score"] for record in kept]) == (2, [max(scores)])


def test_what_cannot_be_answered_is_a_coded_error(dify: httpx.Client, base: str) -> None:
    unknown = dify.post("/retrieval", json={"knowledge_id": "없는 것", "query": "x"})
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, 2001)
    odd = {"name": "연도", "comparison_operator": "rhymes with", "value": 1}
    for wrong in (
        {"query": "x"},
        {"knowledge_id": base, "query": 3},
        {"knowledge_id": base, "query": "x", "metadata_condition": {"conditions": [odd]}},
    ):
        answer = dify.post("/retrieval", json=wrong)
        assert (answer.status_code, set(answer.json())) == (400, {"error_code", "error_msg"})
    assert dify.post("/retrieval", content=b"{").status_code == 400


def test_a_switched_off_document_is_not_found_from_outside(
    chat_server: ChatServer, dify: httpx.Client, base: str
) -> None:
    with chat_server.client(chat_server.dataset) as client:
        (old,) = client.get(f"/datasets/{base}/documents", params={"keyword": "옛"}).json()["data"]
        ids = {"document_ids": [old["id"]]}
        client.patch(f"/datasets/{base}/documents/status/disable", json=ids).raise_for_status()
        assert [record["title"] for record in _asked(dify, base)] == ["새 규정"]
        client.patch(f"/datasets/{base}/documents/status/enable", json=ids).raise_for_status()
        assert len(_asked(dify, base)) == 2


# the other way round: we ask a server that speaks this API, which is this one


def _register(chat_server: ChatServer, name: str, key: str, **more: Any) -> httpx.Response:
    with chat_server.live.client() as console:
        body = {"name": name, "url": f"{chat_server.live.url}/", "key": key, **more}
        return console.post("/api/v1/external-knowledge", json=body)


def test_a_server_is_registered_only_where_it_answers(chat_server: ChatServer) -> None:
    refused = _register(chat_server, "틀린 열쇠", "dataset-wrong")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "external_refused")
    nobody = _register(chat_server, "아무도 없음", "x", url="http://127.0.0.1:9")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (400, "external_refused")
    metadata = _register(chat_server, "구름", "x", url="http://169.254.169.254")
    assert metadata.json()["error"]["code"] == "address_blocked"
    made = _register(chat_server, "옆집", chat_server.dataset)
    assert (made.status_code, made.json()["has_key"], made.json()["url"]) == (201, True, chat_server.live.url)
    assert chat_server.dataset not in made.text
    assert _register(chat_server, "옆집", chat_server.dataset).status_code == 409
    with chat_server.live.client() as console:
        path = f"/api/v1/external-knowledge/{made.json()['id']}"
        moved = console.patch(path, json={"url": "http://127.0.0.1:9"})
        assert (moved.status_code, moved.json()["error"]["param"]) == (400, "key")
        assert console.patch(path, json={"name": "옆집 2"}).json()["name"] == "옆집 2"
        assert console.delete(path).status_code == 204
        assert console.patch(path, json={"name": "x"}).status_code == 404


def test_knowledge_of_another_server_is_searched_and_degrades_alone(
    chat_server: ChatServer, dify: httpx.Client, base: str
) -> None:
    with chat_server.live.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "dataset"}).json()
    api = _register(chat_server, "다른 회사", key["token"]).raise_for_status().json()
    with chat_server.client(chat_server.dataset) as client, chat_server.live.client() as console:
        wanted = {"name": "다른 회사의 규정", "provider": "external", "external_knowledge_id": base}
        missing = client.post("/datasets", json=wanted)
        assert (missing.status_code, missing.json()["code"]) == (400, "invalid_param")
        there = (
            client.post("/datasets", json={**wanted, "external_knowledge_api_id": api["id"]}).raise_for_status().json()
        )
        assert there["provider"] == "external"
        assert there["external_knowledge_info"] == {
            "external_knowledge_id": base,
            "external_knowledge_api_id": api["id"],
            "external_knowledge_api_name": "다른 회사",
            "external_knowledge_api_endpoint": chat_server.live.url,
        }
        asked = {"query": "연차 휴가", "external_retrieval_model": {"top_k": 1}}
        (record,) = client.post(f"/datasets/{there['id']}/retrieve", json=asked).raise_for_status().json()["records"]
        assert record["content"].startswith("연차 휴가는")
        assert record["metadata"]["연도"] in (2020, 2026)
        chained = dify.post("/retrieval", json={"knowledge_id": there["id"], "query": "연차"})
        assert (chained.status_code, chained.json()["error_code"]) == (400, 400)  # else a base of ours asks without end
        moved = client.patch(f"/datasets/{there['id']}", json={"external_knowledge_api_id": base})
        assert (moved.status_code, moved.json()["code"]) == (400, "invalid_param")
        body = {"name": "a", "text": "x", "indexing_technique": "high_quality"}
        refused = client.post(f"/datasets/{there['id']}/document/create-by-text", json=body)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_param")
        searched = console.post(f"/api/v1/knowledge/{there['id']}/search", json={"query": "연차 휴가"}).json()
        assert len(searched["found"]) == 2
        assert console.delete(f"/api/v1/external-knowledge/{api['id']}").status_code == 409
        made = console.post("/api/v1/apps", json={"name": "둘 다", "knowledge": ["handbook", there["id"]]})
        app = console.post("/api/v1/keys", json={"kind": "app", "app": made.json()["id"]}).json()["token"]
        assert {"휴가 규정.md"} < _cited(chat_server, app)
        console.delete(f"/api/v1/keys/{key['key']['id']}").raise_for_status()
        failed = client.post(f"/datasets/{there['id']}/retrieve", json={"query": "연차"})
        assert (failed.status_code, "403" in failed.json()["message"]) == (400, True)
        assert _cited(chat_server, app) == {"휴가 규정.md"}
        console.delete("/api/v1/apps/둘 다").raise_for_status()
        assert client.delete(f"/datasets/{there['id']}").status_code == 204
        assert console.delete(f"/api/v1/external-knowledge/{api['id']}").status_code == 204


def _cited(chat_server: ChatServer, key: str) -> set[str]:
    with chat_server.client(key) as app:
        wanted = {"inputs": {}, "query": "연차 휴가는 매년 15일입니까?", "user": "ext", "response_mode": "blocking"}
        answer = app.post("/chat-messages", json=wanted).raise_for_status().json()
    return {source["document_name"] for source in answer["metadata"]["retriever_resources"]}
