"""Dify's operations of knowledge bases and documents, as its clients use them."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Iterator
from typing import Any, get_args
from urllib.parse import urlsplit

import httpx
import pytest

from llmflow.api.routes.service.datasets.shapes import indexing_status
from llmflow.knowledge.types import Stage, State
from tests.api.chat_server import ChatServer
from tests.flow_apps import dsl, end, retrieval, start

NOBODY = "00000000-0000-0000-0000-000000000000"
LEAVE = "연차 휴가는 매년 15일입니다."


@pytest.fixture
def datasets(chat_server: ChatServer) -> Iterator[httpx.Client]:
    with chat_server.client(chat_server.dataset) as client:
        yield client


def _base(client: httpx.Client, name: str, **more: Any) -> str:
    return str(client.post("/datasets", json={"name": name, **more}).raise_for_status().json()["id"])


def _text(client: httpx.Client, base: str, name: str, text: str, **more: Any) -> dict[str, Any]:
    """The document once it is read."""
    body = {"name": name, "text": text, "indexing_technique": "high_quality", **more}
    made = client.post(f"/datasets/{base}/document/create-by-text", json=body).raise_for_status().json()
    return _read(client, base, made)


@pytest.mark.parametrize("state", get_args(State))
@pytest.mark.parametrize("stage", get_args(Stage))
def test_however_far_a_document_is_difys_words_tell_it(state: State, stage: Stage) -> None:
    assert indexing_status(state, stage) in ("waiting", "parsing", "splitting", "indexing", "completed", "error")


def _read(client: httpx.Client, base: str, made: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        (status,) = client.get(f"/datasets/{base}/documents/{made['batch']}/indexing-status").json()["data"]
        if status["indexing_status"] in ("completed", "error"):
            return dict(client.get(f"/datasets/{base}/documents/{made['document']['id']}").json())
        time.sleep(0.05)
    raise TimeoutError(status)


def _code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def _found(client: httpx.Client, base: str, query: str, **more: Any) -> list[dict[str, Any]]:
    answer = client.post(f"/datasets/{base}/retrieve", json={"query": query, **more}).raise_for_status()
    return list(answer.json()["records"])


def test_bases_are_listed_by_pages_names_and_tags(datasets: httpx.Client) -> None:
    ids = [_base(datasets, f"목록 {number}") for number in range(3)]
    page = datasets.get("/datasets", params={"keyword": "목록", "limit": 2}).json()
    assert [one["id"] for one in page["data"]] == ids[:0:-1]
    assert (page["total"], page["has_more"], page["page"], page["limit"]) == (3, True, 1, 2)
    page = datasets.get("/datasets", params={"keyword": "목록", "limit": 2, "page": 2}).json()
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (ids[:1], False)
    tag = datasets.post("/datasets/tags", json={"name": "인사"}).json()
    assert (
        datasets.post("/datasets/tags/binding", json={"tag_ids": [tag["id"]], "target_id": ids[1]}).status_code == 204
    )
    assert [one["id"] for one in datasets.get("/datasets", params={"tag_ids": [tag["id"]]}).json()["data"]] == [ids[1]]
    (known,) = [one for one in datasets.get("/datasets/tags").json() if one["id"] == tag["id"]]
    assert known == {"id": tag["id"], "name": "인사", "type": "knowledge", "binding_count": "1"}
    assert datasets.get(f"/datasets/{ids[1]}").json()["tags"] == [
        {"id": tag["id"], "name": "인사", "type": "knowledge"}
    ]
    assert datasets.get("/datasets", params={"limit": 1000}).json()["limit"] == 100
    assert _code(datasets.get("/datasets", params={"page": "x"})) == (400, "invalid_param")


def test_tags_are_renamed_unbound_and_deleted(datasets: httpx.Client) -> None:
    base = _base(datasets, "꼬리표")
    one, other = (datasets.post("/datasets/tags", json={"name": name}).json()["id"] for name in ("하나", "둘"))
    datasets.post("/datasets/tags/binding", json={"tag_ids": [one, other, one], "target_id": base})
    datasets.post("/datasets/tags/binding", json={"tag_ids": [one], "target_id": base})
    assert datasets.get(f"/datasets/{base}/tags").json()["total"] == 2
    assert datasets.post(f"/datasets/{base}/tags", json={}).json()["total"] == 2  # as older clients ask
    assert datasets.patch("/datasets/tags", json={"tag_id": one, "name": "셋"}).json()["name"] == "셋"
    assert _code(datasets.patch("/datasets/tags", json={"tag_id": one, "name": "둘"})) == (400, "invalid_param")
    assert _code(datasets.post("/datasets/tags", json={"name": "둘"})) == (400, "invalid_param")
    assert _code(datasets.post("/datasets/tags", json={"name": " "})) == (400, "invalid_param")
    assert _code(datasets.patch("/datasets/tags", json={"tag_id": NOBODY, "name": "x"})) == (404, "not_found")
    unbound = datasets.post("/datasets/tags/unbinding", json={"tag_id": one, "target_id": base})
    assert unbound.status_code == 204
    assert datasets.get(f"/datasets/{base}/tags").json() == {"data": [{"id": other, "name": "둘"}], "total": 1}
    assert datasets.request("DELETE", "/datasets/tags", json={"tag_id": other}).status_code == 204
    assert datasets.get(f"/datasets/{base}/tags").json() == {"data": [], "total": 0}
    assert _code(datasets.request("DELETE", "/datasets/tags", json={"tag_id": other})) == (404, "not_found")
    for path in ("binding", "unbinding"):
        gone = datasets.post(f"/datasets/tags/{path}", json={"tag_ids": [one], "target_id": NOBODY})
        assert _code(gone) == (404, "not_found")
        assert _code(datasets.post(f"/datasets/tags/{path}", json={"target_id": base})) == (400, "invalid_param")
    assert _code(datasets.post("/datasets/tags/binding", json={"tag_ids": [NOBODY], "target_id": base}))[0] == 404


def test_a_base_is_changed_and_deleted(datasets: httpx.Client) -> None:
    base = _base(datasets, "바뀔 것", description="처음")
    _base(datasets, "다른 것")
    wanted: dict[str, Any] = {
        "name": "바뀐 것",
        "permission": "all_team_members",
        "retrieval_model": {
            "search_method": "hybrid_search",
            "reranking_enable": False,
            "top_k": 7,
            "score_threshold_enabled": True,
            "score_threshold": 0.25,
            "weights": {
                "weight_type": "customized",
                "vector_setting": {"vector_weight": 0.7, "embedding_provider_name": "x", "embedding_model_name": "y"},
                "keyword_setting": {"keyword_weight": 0.3},
            },
        },
    }
    changed = datasets.patch(f"/datasets/{base}", json=wanted).raise_for_status().json()
    assert (changed["name"], changed["description"], changed["permission"]) == ("바뀐 것", "처음", "all_team_members")
    model = changed["retrieval_model_dict"]
    assert (model["top_k"], model["score_threshold"], model["weights"]) == (
        7,
        0.25,
        wanted["retrieval_model"]["weights"],
    )
    assert _code(datasets.patch(f"/datasets/{base}", json={"name": "다른 것"})) == (409, "dataset_name_duplicate")
    for wrong in ({"permission": "nobody"}, {"retrieval_model": {"search_method": "magic"}}, {"name": ""}):
        assert _code(datasets.patch(f"/datasets/{base}", json=wrong)) == (400, "invalid_param")
    assert datasets.delete(f"/datasets/{base}").status_code == 204
    assert datasets.get(f"/datasets/{base}").json() == {
        "code": "not_found",
        "message": "Dataset not found.",
        "status": 404,
    }


def test_what_an_app_uses_is_not_deleted(chat_server: ChatServer, datasets: httpx.Client) -> None:
    (base,) = datasets.get("/datasets", params={"keyword": "handbook"}).json()["data"]
    assert base["app_count"] >= 1
    assert _code(datasets.delete(f"/datasets/{base['id']}")) == (409, "dataset_in_use")


def test_what_a_workflow_searches_in_its_draft_or_in_force_is_not_deleted(
    chat_server: ChatServer, datasets: httpx.Client
) -> None:
    base: str = datasets.post("/datasets", json={"name": "흐름이 찾는 지식"}).json()["id"]
    document = dsl("searching", (start("q"), retrieval("k", "start.q", base), end(found="k.result")))
    with chat_server.live.client() as admin:
        made = admin.post("/api/v1/apps/import", json={"document": document}).raise_for_status().json()
        assert datasets.get(f"/datasets/{base}").json()["app_count"] == 1
        assert _code(datasets.delete(f"/datasets/{base}")) == (409, "dataset_in_use")
        admin.post(f"/api/v1/apps/{made['app_id']}/publish", json={}).raise_for_status()
        draft = admin.get(f"/api/v1/apps/{made['app_id']}/draft").json()
        changed = draft["document"]
        changed["workflow"]["graph"]["nodes"][1]["data"]["dataset_ids"] = []
        hash = draft["version"]["hash"]
        admin.put(f"/api/v1/apps/{made['app_id']}/draft", json={"document": changed, "hash": hash}).raise_for_status()
        assert datasets.get(f"/datasets/{base}").json()["app_count"] == 1  # the version in force searches it still
        admin.post(f"/api/v1/apps/{made['app_id']}/publish", json={}).raise_for_status()
        assert datasets.get(f"/datasets/{base}").json()["app_count"] == 0
        assert datasets.delete(f"/datasets/{base}").status_code == 204
        admin.delete(f"/api/v1/apps/{made['app_id']}").raise_for_status()


def test_files_of_documents_that_a_key_may_not_see_are_in_no_archive(
    chat_server: ChatServer, datasets: httpx.Client
) -> None:
    base = _base(datasets, "나눠 보는 지식")
    pay, leave = (_text(datasets, base, name, name)["id"] for name in ("보수.txt", "휴가.txt"))
    with chat_server.live.client() as console:
        opened = {"ids": [pay], "groups": ["이사회"]}
        console.post(f"/api/v1/knowledge/{base}/open", json=opened).raise_for_status()
        keys = [
            console.post("/api/v1/keys", json={"kind": "dataset", "groups": [g]}).json() for g in ("이사회", "직원")
        ]
    zips = []
    for key in keys:
        with chat_server.client(key["token"]) as client:
            zips.append(client.post(f"/datasets/{base}/documents/download-zip", json={"document_ids": [pay, leave]}))
    with zipfile.ZipFile(io.BytesIO(zips[0].content)) as whole:
        assert set(whole.namelist()) == {"보수.txt", "휴가.txt"}
    assert _code(zips[1]) == (404, "not_found")


def test_of_a_refused_request_nothing_is_kept(datasets: httpx.Client) -> None:
    wrong = {"retrieval_model": {"score_threshold_enabled": True, "score_threshold": 5}}
    assert _code(datasets.post("/datasets", json={"name": "반쪽", **wrong})) == (400, "invalid_param")
    base = _base(datasets, "반쪽")  # the name is free
    before = datasets.get(f"/datasets/{base}").json()
    assert _code(datasets.patch(f"/datasets/{base}", json={"name": "바뀐 반쪽", **wrong})) == (400, "invalid_param")
    said = {"name": "a", "text": "x", "doc_form": "qa_model", "indexing_technique": "economy"}
    rule = {"mode": "custom", "rules": {"pre_processing_rules": [{"id": "magic"}]}}
    for more in (wrong, {"process_rule": rule}, {"name": ".."}, {"original_document_id": NOBODY}):
        refused = datasets.post(f"/datasets/{base}/document/create-by-text", json={**said, **more})
        assert refused.status_code in (400, 404)
    assert datasets.get(f"/datasets/{base}").json() == before
    document = _text(datasets, base, "그대로.txt", "본문")["id"]
    renamed = {"name": "바뀐.txt", "text": "본문", "process_rule": rule}
    refused = datasets.post(f"/datasets/{base}/documents/{document}/update-by-text", json=renamed)
    assert _code(refused) == (400, "invalid_param")
    assert datasets.get(f"/datasets/{base}/documents/{document}").json()["name"] == "그대로.txt"


def test_questions_and_answers_are_written_by_the_model_in_the_language_that_is_asked_for(
    chat_server: ChatServer, datasets: httpx.Client
) -> None:
    with chat_server.live.client() as console:
        made = console.post("/api/v1/keys", json={"kind": "dataset", "name": "질문 쓰기"}).raise_for_status().json()
    text = json.dumps({"pairs": [{"question": "연차는 며칠인가요?", "answer": LEAVE}]})  # the fake model repeats it
    with chat_server.client(made["token"]) as client:
        base = _base(client, "묻고 답하기")
        document = _text(client, base, "규정.txt", text, doc_form="qa_model", doc_language="한국어")
        assert (document["doc_form"], document["doc_language"]) == ("qa_model", "한국어")
        (segment,) = client.get(f"/datasets/{base}/documents/{document['id']}/segments").json()["data"]
        assert (segment["content"], segment["answer"]) == ("연차는 며칠인가요?", LEAVE)
        (record,) = _found(client, base, "연차는 며칠?")
        assert record["segment"]["answer"] == LEAVE
    with chat_server.live.client() as console:
        spent: list[int] = []
        end = time.monotonic() + 10
        while not spent and time.monotonic() < end:
            rows = console.get("/api/v1/spend", params={"by": ["key", "model"]}).raise_for_status().json()["rows"]
            spent = [row["requests"] for row in rows if row["by"]["key"] == made["key"]["id"]]
        assert spent == [1], rows


def test_an_app_key_opens_no_knowledge(service: httpx.Client) -> None:
    assert _code(service.get("/datasets")) == (401, "unauthorized")


def test_a_text_becomes_a_document_that_is_found(datasets: httpx.Client) -> None:
    base = _base(datasets, "글")
    document = _text(datasets, base, "휴가 규정.pdf", LEAVE)
    assert (document["indexing_status"], document["display_status"], document["error"]) == (
        "completed",
        "available",
        None,
    )
    assert (document["segment_count"], document["doc_language"], document["doc_form"]) == (1, "Korean", "text_model")
    (record,) = _found(datasets, base, "연차 휴가")
    assert record["segment"]["content"] == LEAVE
    assert record["segment"]["document"]["name"] == "휴가 규정.pdf"
    assert 0 < record["score"] <= 1
    again = _text(datasets, base, "휴가 규정.pdf", LEAVE)
    assert (again["name"], again["position"]) == ("휴가 규정 (2).pdf", 2)


def test_old_paths_take_texts_and_files(datasets: httpx.Client) -> None:
    base = _base(datasets, "옛 길")
    body = {"name": "a", "text": "old paths still work", "process_rule": {"mode": "automatic"}}
    made = datasets.post(f"/datasets/{base}/document/create_by_text", json=body).json()
    _read(datasets, base, made)
    path = f"/datasets/{base}/documents/{made['document']['id']}"
    rewritten = datasets.post(f"{path}/update_by_text", json={"name": "b", "text": "and this is new"}).json()
    assert rewritten["document"]["name"] == "b"
    assert _read(datasets, base, rewritten)["indexing_status"] == "completed"
    for place in (f"/datasets/{base}/document/create_by_file", f"{path}/update_by_file"):
        files = {"file": ("규정.md", "# 출장\n\n하루 5만원".encode(), "text/markdown")}
        made = datasets.post(place, files=files, data={"data": '{"process_rule": {"mode": "automatic"}}'}).json()
        assert _read(datasets, base, made)["indexing_status"] == "completed"
    assert {hit["segment"]["document"]["name"] for hit in _found(datasets, base, "출장")} == {"규정.md", "b"}


def test_a_file_is_uploaded_downloaded_and_rewritten(datasets: httpx.Client) -> None:
    base = _base(datasets, "파일")
    files = {"file": ("규정.txt", LEAVE.encode(), "text/plain")}
    made = datasets.post(f"/datasets/{base}/document/create-by-file", files=files, data={"data": "{}"}).json()
    document = _read(datasets, base, made)
    file = document["data_source_info"]["upload_file"]
    assert (file["name"], file["size"], file["extension"]) == ("규정.txt", len(LEAVE.encode()), "txt")
    path = f"/datasets/{base}/documents/{document['id']}"
    url = datasets.get(f"{path}/download").json()["url"]
    plain = httpx.get(url, trust_env=False)
    assert (plain.status_code, plain.content) == (200, LEAVE.encode())
    assert "attachment" in plain.headers["content-disposition"]
    for wrong in (
        url.replace("sign=", "sign=x"),
        url.replace("timestamp=", "timestamp=1"),
        urlsplit(url)._replace(query="").geturl(),
    ):
        assert httpx.get(wrong, trust_env=False).status_code == 404
    older = datasets.get(f"{path}/upload-file").json()["download_url"]
    assert httpx.get(older, trust_env=False).content == LEAVE.encode()
    new = {"file": ("다른 이름.txt", "출장비는 하루 5만원입니다.".encode(), "text/plain")}
    rewritten = datasets.patch(path, files=new).json()
    assert (rewritten["document"]["id"], rewritten["document"]["name"]) == (document["id"], "규정.txt")
    _read(datasets, base, rewritten)
    assert [hit["segment"]["content"] for hit in _found(datasets, base, "출장비")] == ["출장비는 하루 5만원입니다."]


def test_documents_come_as_one_archive(datasets: httpx.Client) -> None:
    base = _base(datasets, "묶음")
    ids = [_text(datasets, base, name, f"글 {name}")["id"] for name in ("하나.txt", "둘.txt")]
    answer = datasets.post(f"/datasets/{base}/documents/download-zip", json={"document_ids": ids})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {name: archive.read(name).decode() for name in archive.namelist()} == {
            "하나.txt": "글 하나.txt",
            "둘.txt": "글 둘.txt",
        }
    gone = datasets.post(f"/datasets/{base}/documents/download-zip", json={"document_ids": [*ids, NOBODY]})
    assert _code(gone) == (404, "not_found")


def test_documents_are_listed_by_pages_names_and_status(datasets: httpx.Client) -> None:
    base = _base(datasets, "문서 목록")
    ids = [_text(datasets, base, f"{name}.txt", f"글 {name}")["id"] for name in ("가", "나", "다")]
    page = datasets.get(f"/datasets/{base}/documents", params={"limit": 2}).json()
    assert [(one["id"], one["position"]) for one in page["data"]] == [(ids[2], 3), (ids[1], 2)]
    assert (page["total"], page["has_more"]) == (3, True)
    found = datasets.get(f"/datasets/{base}/documents", params={"keyword": "나"}).json()
    assert [one["id"] for one in found["data"]] == [ids[1]]
    switched = datasets.patch(f"/datasets/{base}/documents/status/disable", json={"document_ids": [ids[0], NOBODY]})
    assert switched.json() == {"result": "success"}
    for status, expected in (("disabled", ids[:1]), ("available", ids[:0:-1]), ("paused", [])):
        found = datasets.get(f"/datasets/{base}/documents", params={"status": status}).json()
        assert [one["id"] for one in found["data"]] == expected
    assert _code(datasets.get(f"/datasets/{base}/documents", params={"status": "odd"})) == (400, "invalid_param")
    known = datasets.get(f"/datasets/{base}").json()
    assert (known["total_documents"], known["total_available_documents"]) == (3, 2)


def test_an_archived_document_is_neither_changed_nor_deleted(datasets: httpx.Client) -> None:
    base = _base(datasets, "보관")
    document = _text(datasets, base, "a.txt", LEAVE)
    path = f"/datasets/{base}/documents/{document['id']}"
    ids = {"document_ids": [document["id"]]}
    assert datasets.patch(f"/datasets/{base}/documents/status/archive", json=ids).status_code == 200
    assert datasets.get(path).json()["display_status"] == "archived"
    assert _code(datasets.delete(path)) == (403, "archived_document_immutable")
    update = datasets.post(f"{path}/update-by-text", json={"name": "x", "text": "y"})
    assert (update.status_code, update.json()["message"]) == (400, "Document is not available")
    assert datasets.patch(f"/datasets/{base}/documents/status/un_archive", json=ids).status_code == 200
    assert datasets.delete(path).status_code == 204
    assert datasets.delete(path).json()["code"] == "not_found"
    assert _code(datasets.patch(f"/datasets/{base}/documents/status/burn", json=ids)) == (400, "invalid_action")


def test_a_document_is_shown_with_and_without_what_it_says(datasets: httpx.Client) -> None:
    base = _base(datasets, "메타")
    document = _text(datasets, base, "a.txt", LEAVE)
    path = f"/datasets/{base}/documents/{document['id']}"
    kinds = {"부서": "string", "쪽수": "number", "만든 날": "time"}
    fields = {
        name: datasets.post(f"/datasets/{base}/metadata", json={"type": kind, "name": name}).json()["id"]
        for name, kind in kinds.items()
    }
    said = [
        {"id": fields["부서"], "name": "부서", "value": "인사"},
        {"id": fields["쪽수"], "name": "쪽수", "value": "12"},
        {"id": fields["만든 날"], "name": "만든 날", "value": "2026-01-31T00:00:00+00:00"},
    ]
    body = {"operation_data": [{"document_id": document["id"], "metadata_list": said}]}
    assert datasets.post(f"/datasets/{base}/documents/metadata", json=body).json() == {"result": "success"}
    values = {one["name"]: one["value"] for one in datasets.get(path).json()["doc_metadata"]}
    assert values == {"부서": "인사", "쪽수": 12, "만든 날": 1769817600}
    body["operation_data"][0] |= {"metadata_list": said[:1], "partial_update": True}
    datasets.post(f"/datasets/{base}/documents/metadata", json=body).raise_for_status()
    assert len(datasets.get(path, params={"metadata": "only"}).json()["doc_metadata"]) == 3
    assert set(datasets.get(path, params={"metadata": "only"}).json()) == {"id", "doc_type", "doc_metadata"}
    assert "doc_metadata" not in datasets.get(path, params={"metadata": "without"}).json()
    assert _code(datasets.get(path, params={"metadata": "some"})) == (400, "invalid_metadata")
    listed = datasets.get(f"/datasets/{base}/metadata").json()
    assert [(one["name"], one["count"]) for one in listed["doc_metadata"]] == [(name, 1) for name in kinds]
    (record,) = _found(datasets, base, "연차")
    assert record["segment"]["document"]["doc_metadata"] == values


def test_fields_are_renamed_and_deleted_and_built_in_ones_switched(datasets: httpx.Client) -> None:
    base = _base(datasets, "칸")
    document = _text(datasets, base, "a.txt", LEAVE)
    path = f"/datasets/{base}/metadata"
    one, other = (datasets.post(path, json={"type": "string", "name": name}).json()["id"] for name in ("가", "나"))
    assert datasets.patch(f"{path}/{one}", json={"name": "다"}).json() == {"id": one, "type": "string", "name": "다"}
    for wrong in ({"name": "나"}, {"name": ""}, {"name": "uploader"}):
        assert _code(datasets.patch(f"{path}/{one}", json=wrong)) == (400, "invalid_param")
    assert _code(datasets.patch(f"{path}/{NOBODY}", json={"name": "x"})) == (404, "not_found")
    assert _code(datasets.post(path, json={"type": "colour", "name": "x"})) == (400, "invalid_param")
    assert _code(datasets.post(path, json={"type": "string", "name": "나"})) == (400, "invalid_param")
    said = [{"id": one, "value": "x"}, {"id": other, "value": "y"}]
    body = {"operation_data": [{"document_id": document["id"], "metadata_list": said}]}
    datasets.post(f"/datasets/{base}/documents/metadata", json=body).raise_for_status()
    assert datasets.delete(f"{path}/{one}").status_code == 204
    assert _code(datasets.delete(f"{path}/{one}")) == (404, "not_found")
    alone = f"/datasets/{base}/documents/{document['id']}"
    assert [value["id"] for value in datasets.get(alone).json()["doc_metadata"]] == [other]
    assert datasets.post(f"{path}/built-in/enable").json() == {"result": "success"}
    names = [value["name"] for value in datasets.get(alone).json()["doc_metadata"]]
    assert names == ["나", "document_name", "uploader", "upload_date", "last_update_date", "source"]
    assert datasets.get(path).json()["built_in_field_enabled"] is True
    assert datasets.post(f"{path}/built-in/disable").json() == {"result": "success"}
    assert _code(datasets.post(f"{path}/built-in/twist")) == (400, "invalid_param")


def test_a_document_is_described_only_by_fields_of_its_base(datasets: httpx.Client) -> None:
    base, other = _base(datasets, "하나의 것"), _base(datasets, "남의 것")
    document = _text(datasets, base, "a.txt", LEAVE)
    number = datasets.post(f"/datasets/{base}/metadata", json={"type": "number", "name": "수"}).json()["id"]
    theirs = datasets.post(f"/datasets/{other}/metadata", json={"type": "string", "name": "글"}).json()["id"]
    for id, value in ((theirs, "x"), (number, "many"), (NOBODY, "x")):
        body = {"operation_data": [{"document_id": document["id"], "metadata_list": [{"id": id, "value": value}]}]}
        assert _code(datasets.post(f"/datasets/{base}/documents/metadata", json=body)) == (400, "invalid_param")
    body = {"operation_data": [{"document_id": document["id"], "metadata_list": []}]}
    assert _code(datasets.post(f"/datasets/{other}/documents/metadata", json=body)) == (400, "invalid_param")
    assert _code(datasets.get(f"/datasets/{other}/documents/{document['id']}")) == (404, "not_found")


def test_uploads_that_cannot_be_taken_are_coded_errors(datasets: httpx.Client) -> None:
    base = _base(datasets, "틀린 것")
    path = f"/datasets/{base}/document/create-by-file"
    assert _code(datasets.post(path, data={"data": "{}"})) == (400, "no_file_uploaded")
    assert _code(datasets.post(path)) == (400, "no_file_uploaded")
    two = [("file", ("a", b"a")), ("file", ("b", b"b"))]
    assert _code(datasets.post(path, files=two)) == (400, "too_many_files")
    one = {"file": ("a.txt", b"a")}
    assert _code(datasets.post(path, files=one, data={"data": "{"})) == (400, "bad_request")
    assert _code(datasets.post(path, files=one, data={"data": '{"doc_form": "poem"}'})) == (400, "invalid_param")
    assert _code(datasets.post(f"/datasets/{NOBODY}/document/create-by-file", files=one)) == (404, "not_found")
    unnamed = datasets.post(f"/datasets/{base}/document/create-by-text", json={"text": "x"})
    assert _code(unnamed) == (400, "invalid_param")
    gone = datasets.get(f"/datasets/{base}/documents/{NOBODY}/indexing-status")
    assert (gone.status_code, gone.json()["message"]) == (404, "Documents not found.")


def test_a_search_keeps_to_its_model(datasets: httpx.Client) -> None:
    base = _base(datasets, "찾기")
    _text(datasets, base, "a.txt", "# 휴가\n\n연차 휴가는 매년 15일입니다.")
    _text(datasets, base, "b.txt", "출장비는 하루 5만원입니다.")
    for method in ("keyword_search", "semantic_search", "full_text_search", "hybrid_search"):
        model = {"search_method": method, "reranking_enable": False, "top_k": 1, "score_threshold_enabled": False}
        (record,) = _found(datasets, base, "출장비는 얼마", retrieval_model=model)
        assert record["segment"]["content"] == "출장비는 하루 5만원입니다."
    strict = model | {
        "score_threshold_enabled": True,
        "score_threshold": 1.01 - 0.01,
        "search_method": "semantic_search",
    }
    assert _found(datasets, base, "무엇이든", retrieval_model=strict) == []
    tested = datasets.post(f"/datasets/{base}/hit-testing", json={"query": "출장비"}).json()
    assert tested["query"] == {"content": "출장비"}
    assert _code(datasets.post(f"/datasets/{base}/retrieve", json={"query": " "})) == (400, "invalid_param")
    assert _code(datasets.post(f"/datasets/{base}/retrieve", json={})) == (400, "invalid_param")
    wrong = {"query": "x", "retrieval_model": {"top_k": 0}}
    assert _code(datasets.post(f"/datasets/{base}/retrieve", json=wrong)) == (400, "invalid_param")


def test_a_document_is_cut_as_its_rule_says(datasets: httpx.Client) -> None:
    base = _base(datasets, "자르기")
    sentences = " ".join(f"제{number}조는 연차 휴가와 출장비를 정합니다." for number in range(1, 40))
    rules = {"segmentation": {"separator": "\n", "max_tokens": 60, "chunk_overlap": 0}}
    small = _text(datasets, base, "작게", sentences, process_rule={"mode": "custom", "rules": rules})
    whole = _text(datasets, base, "크게", sentences, process_rule={"mode": "automatic"})
    assert small["segment_count"] > whole["segment_count"] >= 1
    assert small["document_process_rule"]["rules"]["segmentation"]["max_tokens"] == 60
    assert (small["document_process_rule"]["mode"], whole["document_process_rule"]["mode"]) == ("custom", "automatic")
    hierarchical = {"mode": "hierarchical", "rules": rules | {"subchunk_segmentation": {"max_tokens": 30}}}
    parents = _text(datasets, base, "부모", sentences, process_rule=hierarchical)
    assert parents["doc_form"] == "hierarchical_model"
    assert parents["document_process_rule"]["rules"]["subchunk_segmentation"]["max_tokens"] == 30
    segments = datasets.get(f"/datasets/{base}/documents/{parents['id']}/segments").json()["data"]
    assert len(segments) == parents["segment_count"] > 1
    path = f"/datasets/{base}/documents/{parents['id']}/segments/{segments[0]['id']}/child_chunks"
    children = datasets.get(path).json()["data"]
    assert len(children) > 1
    assert all(child["content"] in segments[0]["content"] for child in children)
    plain = _text(datasets, base, "그대로", sentences[:200], doc_form="hierarchical_model")
    assert plain["document_process_rule"]["mode"] == "hierarchical"
