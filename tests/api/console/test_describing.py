"""What people say of documents over the console API: names, metadata, and whether they are searched."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import LiveServer

NAME = "문서 설명"


@pytest.fixture
def client(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": NAME}).raise_for_status().json()
        for name in ("휴가.txt", "출장.txt"):
            client.put(f"/api/v1/knowledge/{NAME}/documents/{name}", content=f"{name}의 내용".encode())
        fake_model_server.wait_until_indexed(NAME)
        yield client
        client.delete(f"/api/v1/knowledge/{base['id']}")


def _listed(client: httpx.Client, **params: str) -> dict[str, str]:
    found = client.get(f"/api/v1/knowledge/{NAME}/documents", params=params).raise_for_status().json()
    return {one["name"]: one["id"] for one in found["documents"]}


def test_chosen_documents_leave_the_search_and_the_archive_and_come_back(client: httpx.Client) -> None:
    leave = _listed(client)["휴가.txt"]
    path = f"/api/v1/knowledge/{NAME}/mark"
    assert client.post(path, json={"ids": [leave], "enabled": False}).json() == {"count": 1}
    assert client.post(path, json={"ids": [leave], "enabled": False}).json() == {"count": 0}
    assert list(_listed(client, display="disabled")) == ["휴가.txt"]
    asked = {"query": "내용", "mode": "keyword"}
    hits = client.post(f"/api/v1/knowledge/{NAME}/search", json=asked).json()["found"]
    assert {hit["document"] for hit in hits} == {"출장.txt"}
    assert client.post(path, json={"display": "disabled", "enabled": True}).json() == {"count": 1}
    assert client.post(path, json={"search": "출장", "archived": True}).json() == {"count": 1}
    assert list(_listed(client, display="archived")) == ["출장.txt"]
    refused = client.patch(f"/api/v1/documents/{_listed(client)['출장.txt']}", json={"name": "다른 이름.txt"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "archived_document_immutable")
    assert client.post(path, json={"display": "archived", "archived": False}).json() == {"count": 1}
    assert set(_listed(client, display="available")) == {"휴가.txt", "출장.txt"}


def test_a_document_gets_another_name_and_says_something_of_itself(client: httpx.Client) -> None:
    fields = f"/api/v1/knowledge/{NAME}/fields"
    year = client.post(fields, json={"name": "연도", "type": "number"}).raise_for_status().json()
    team = client.post(fields, json={"name": "부서", "type": "string"}).raise_for_status().json()
    document = f"/api/v1/documents/{_listed(client)['휴가.txt']}"
    values = {year["id"]: "2026", team["id"]: "인사"}
    changed = client.patch(document, json={"name": "휴가 규정.txt", "metadata": values}).raise_for_status().json()
    assert (changed["name"], changed["metadata"]) == ("휴가 규정.txt", {year["id"]: 2026, team["id"]: "인사"})
    taken = client.patch(document, json={"name": "출장.txt"})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "conflict")
    wrong = client.patch(document, json={"metadata": {year["id"]: "작년"}})
    assert (wrong.status_code, wrong.json()["error"]["param"]) == (400, "연도")
    assert client.patch(f"{fields}/{team['id']}", json={"name": "팀"}).json()["name"] == "팀"
    assert [(one["field"]["name"], one["documents"]) for one in client.get(fields).json()] == [("연도", 1), ("팀", 1)]
    assert client.delete(f"{fields}/{team['id']}").status_code == 204
    assert client.get(document).json()["metadata"] == {year["id"]: 2026}
