"""Passages over the console API, on a real server on fakes."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.live import LiveServer

NAME = "passages of people"


@pytest.fixture
def client(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": NAME}).raise_for_status().json()
        yield client
        client.delete(f"/api/v1/knowledge/{base['id']}")


def test_a_passage_is_written_changed_and_removed(client: httpx.Client, fake_model_server: LiveServer) -> None:
    content = "연차 휴가는 15일이다.\n\n출장비는 하루 5만원이다.".encode()
    document = client.put(f"/api/v1/knowledge/{NAME}/documents/a.txt", content=content).json()["document"]
    fake_model_server.wait_until_indexed(NAME)
    path = f"/api/v1/documents/{document['id']}/passages"

    made = client.post(path, json={"text": "Zebras count as pets.", "keywords": ["animal"]})
    assert made.status_code == 201
    passage = made.json()
    assert (passage["made"], passage["ordinal"], passage["keywords"]) == ("added", 1, ["animal"])

    def found(word: str) -> list[str]:
        asked = {"query": word, "mode": "keyword"}
        return [hit["text"] for hit in client.post(f"/api/v1/knowledge/{NAME}/search", json=asked).json()["found"]]

    assert found("zebra") == found("animal") == ["Zebras count as pets."]
    changed = client.patch(f"{path}/{passage['id']}", json={"text": "Lions do not. Zebras do."}).json()
    assert changed["text"] == "Lions do not. Zebras do."
    halves = client.post(f"{path}/{passage['id']}/split", json={"at": 14}).json()
    assert [half["text"] for half in halves] == ["Lions do not.", "Zebras do."]
    assert client.post(f"{path}/switch", json={"ids": [halves[0]["id"]], "enabled": False}).json() == {"count": 1}
    assert found("lion") == []
    assert [p["text"] for p in client.get(path, params={"enabled": False}).json()] == ["Lions do not."]
    merged = client.post(f"{path}/merge", json={"ids": [half["id"] for half in halves]}).json()
    assert merged["text"] == "Lions do not.\n\nZebras do."
    assert client.get(f"{path}/{merged['id']}/parts").json() == {"passages": [], "total": 0}
    assert client.delete(f"{path}/{merged['id']}").status_code == 204
    assert client.delete(f"{path}/{merged['id']}").status_code == 404
    assert client.post(f"{path}/remove", json={"ids": [merged["id"]]}).json() == {"count": 0}
    assert found("zebra") == []


def test_parts_are_for_passages_that_are_searched_by_them(client: httpx.Client, fake_model_server: LiveServer) -> None:
    document = client.put(f"/api/v1/knowledge/{NAME}/documents/b.txt", content=b"One passage.").json()["document"]
    fake_model_server.wait_until_indexed(NAME)
    path = f"/api/v1/documents/{document['id']}/passages"
    passage = client.get(path).json()[0]
    refused = client.post(f"{path}/{passage['id']}/parts", json={"text": "A part."})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_request")
    missing = client.post(f"{path}/nothing/parts", json={"text": "A part."})
    assert missing.status_code == 404


def test_a_base_is_cut_otherwise_and_again(client: httpx.Client, fake_model_server: LiveServer) -> None:
    content = "첫 문단이다.\n\n둘째 문단이다. 셋째 문장이다.".encode()
    document = client.put(f"/api/v1/knowledge/{NAME}/documents/c.txt", content=content).json()["document"]
    fake_model_server.wait_until_indexed(NAME)
    passages = f"/api/v1/documents/{document['id']}/passages"
    assert len(client.get(passages).json()) == 1
    rule = {"method": "parent_child", "separator": "\\n\\n", "child": {"max_tokens": 16}}
    shown = client.post(f"/api/v1/documents/{document['id']}/chunking/preview", json={"chunking": rule}).json()
    assert (shown["total"], len(shown["passages"][1]["parts"])) == (2, 1)
    assert len(client.get(passages).json()) == 1
    path = f"/api/v1/knowledge/{NAME}/chunking"
    refused = client.put(path, json={"chunking": {"method": "by feeling"}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "invalid_request")
    assert client.put(path, json={"chunking": rule}).json() == client.get(path).json() == {"chunking": rule}
    assert client.post(f"{path}/apply").json() == {"count": 1}
    fake_model_server.wait_until_indexed(NAME)
    cut = client.get(passages).json()
    assert [(p["text"], p["kind"]) for p in cut] == [
        ("첫 문단이다.", "parent"),
        ("둘째 문단이다. 셋째 문장이다.", "parent"),
    ]
    found = client.post(f"/api/v1/knowledge/{NAME}/search", json={"query": "셋째 문장", "mode": "keyword"}).json()[
        "found"
    ]
    assert (found[0]["text"], found[0]["chunk_id"]) == (cut[1]["text"], cut[1]["id"])
    part = client.post(f"{passages}/{cut[0]['id']}/parts", json={"text": "Zebras."}).json()
    assert part["parent_id"] == cut[0]["id"]
    parts = client.get(f"{passages}/{cut[0]['id']}/parts").json()
    assert [p["text"] for p in parts["passages"]] == ["첫 문단이다.", "Zebras."]
