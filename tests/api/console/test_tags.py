"""Tags of knowledge bases, as Studio makes, gives and takes them."""

from __future__ import annotations

import httpx

from tests.live import LiveServer


def names(client: httpx.Client, base: str) -> list[str]:
    return [tag["name"] for tag in client.get(f"/api/v1/knowledge/{base}").raise_for_status().json()["tags"]]


def test_tags_are_made_given_renamed_and_deleted(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": "꼬리표"}).raise_for_status().json()["id"]
        made = [
            client.post("/api/v1/knowledge-tags", json={"name": name}).raise_for_status().json()["id"]
            for name in ("인사", "규정")
        ]
        assert client.post("/api/v1/knowledge-tags", json={"name": "인사"}).status_code == 409
        given = client.put(f"/api/v1/knowledge/{base}/tags", json={"tags": made}).raise_for_status().json()
        assert [tag["name"] for tag in given] == names(client, base) == ["인사", "규정"]
        assert client.put(f"/api/v1/knowledge/{base}/tags", json={"tags": ["없음"]}).status_code == 404
        client.put(f"/api/v1/knowledge/{base}/tags", json={"tags": made[1:]}).raise_for_status()
        client.patch(f"/api/v1/knowledge-tags/{made[1]}", json={"name": "사규"}).raise_for_status()
        listed = client.get("/api/v1/knowledge").json()
        assert [[t["name"] for t in one["tags"]] for one in listed if one["base"]["id"] == base] == [["사규"]]
        counts = {tag["name"]: tag["bases"] for tag in client.get("/api/v1/knowledge-tags").json()}
        assert (counts["사규"], counts["인사"]) == (1, 0)
        for tag in made:
            client.delete(f"/api/v1/knowledge-tags/{tag}").raise_for_status()
        assert names(client, base) == []
        client.delete(f"/api/v1/knowledge/{base}").raise_for_status()
