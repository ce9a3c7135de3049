"""Documents that are open to some, over every way in which people ask: Studio, the Service API, OpenAI's API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from llmflow.access.types import Role
from tests.live import LiveServer

QUESTION = "보수 규정은 어떻게 됩니까?"
PATHS = ("", "/passages", "/original", "/pages/1", "/pages/1/words")


@pytest.fixture(scope="module")
def admin(fake_model_server: LiveServer) -> Iterator[httpx.Client]:
    with fake_model_server.client() as client:
        yield client


@pytest.fixture(scope="module")
def pay(admin: httpx.Client, fake_model_server: LiveServer) -> str:
    """The id of a document that is open to the board alone, in a base with one that is open to everybody."""
    admin.post("/api/v1/knowledge", json={"name": "closed"}).raise_for_status()
    fake_model_server.put("closed", "pay.txt", "임원 보수 규정: 이사회가 정합니다.".encode())
    fake_model_server.put("closed", "canteen.txt", "구내식당 보수 공사 규정 안내입니다.".encode())
    assert fake_model_server.wait_until_indexed("closed") == {"ready": 2}
    found: str = admin.get("/api/v1/knowledge/closed/documents", params={"search": "pay"}).json()["documents"][0]["id"]
    closed = {"ids": [found], "groups": ["이사회"]}
    assert admin.post("/api/v1/knowledge/closed/open", json=closed).json() == {"count": 1}
    admin.post("/api/v1/apps", json={"name": "closed-app", "knowledge": ["closed"]}).raise_for_status()
    return found


def key_of(admin: httpx.Client, kind: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = admin.post("/api/v1/keys", json={"kind": kind, **more}).raise_for_status().json()
    return made


def searched(client: httpx.Client) -> set[str]:
    found = client.post("/api/v1/knowledge/closed/search", json={"query": QUESTION}).raise_for_status().json()
    compared = client.post("/api/v1/knowledge/closed/compare", json={"query": QUESTION}).raise_for_status().json()
    assert {hit["document"] for hit in compared["fused"]} == {hit["document"] for hit in found["found"]}
    return {hit["document"] for hit in found["found"]}


def test_a_member_sees_documents_by_groups_from_the_next_request_on(
    admin: httpx.Client, by_role: dict[Role, httpx.Client], pay: str
) -> None:
    member = by_role["member"]
    assert searched(admin) == {"pay.txt", "canteen.txt"}
    assert searched(member) == {"canteen.txt"}
    assert [member.get(f"/api/v1/documents/{pay}{path}").status_code for path in PATHS] == [404] * len(PATHS)
    assert member.get("/api/v1/knowledge/closed/documents").json()["total"] == 1
    given = admin.patch("/api/v1/members/member@role.example", json={"groups": [" 이사회 ", "이사회"]}).json()
    assert (given["groups"], given["role"]) == (["이사회"], "member")
    assert searched(member) == {"pay.txt", "canteen.txt"}
    assert [member.get(f"/api/v1/documents/{pay}{path}").status_code for path in PATHS[:3]] == [200] * 3
    assert "이사회" in by_role["editor"].get("/api/v1/groups").json()
    admin.patch("/api/v1/members/member@role.example", json={"groups": []}).raise_for_status()
    assert searched(member) == {"canteen.txt"}


def test_a_base_that_is_closed_is_not_there(admin: httpx.Client, by_role: dict[Role, httpx.Client], pay: str) -> None:
    admin.put("/api/v1/knowledge/closed/groups", json={"groups": ["인사"]}).raise_for_status()
    try:
        assert by_role["editor"].get("/api/v1/knowledge/closed").status_code == 404
        assert "closed" not in [one["base"]["name"] for one in by_role["editor"].get("/api/v1/knowledge").json()]
        assert by_role["editor"].put("/api/v1/knowledge/closed/groups", json={"groups": []}).status_code == 404
    finally:
        admin.put("/api/v1/knowledge/closed/groups", json={"groups": []}).raise_for_status()
    assert by_role["editor"].get("/api/v1/knowledge/closed").status_code == 200


def test_the_service_api_goes_by_the_keys_groups_and_not_by_what_the_user_is_called(
    admin: httpx.Client, fake_model_server: LiveServer, pay: str
) -> None:
    key = key_of(admin, "app", app="closed-app")

    def sources(user: str) -> set[str]:
        body = {"inputs": {}, "query": QUESTION, "user": user, "response_mode": "blocking"}
        headers = {"Authorization": f"Bearer {key['token']}"}
        answer = httpx.post(
            f"{fake_model_server.url}/v1/chat-messages", json=body, headers=headers, timeout=60, trust_env=False
        )
        found = answer.raise_for_status().json()["metadata"]["retriever_resources"]
        return {source["document_name"] for source in found}

    assert "pay.txt" not in sources("이사회")
    assert "pay.txt" not in sources("owner@role.example")
    admin.patch(f"/api/v1/keys/{key['key']['id']}", json={"groups": ["이사회"]}).raise_for_status()
    assert "pay.txt" in sources("anybody")
    admin.patch(f"/api/v1/keys/{key['key']['id']}", json={"groups": []}).raise_for_status()
    assert "pay.txt" not in sources("anybody")


def test_an_app_as_a_model_goes_by_the_keys_groups(
    admin: httpx.Client, fake_model_server: LiveServer, pay: str
) -> None:
    def answered(groups: list[str]) -> str:
        key = key_of(admin, "model", groups=groups)
        body = {"model": "app/closed-app", "messages": [{"role": "user", "content": QUESTION}], "user": "이사회"}
        headers = {"Authorization": f"Bearer {key['token']}"}
        answer = httpx.post(
            f"{fake_model_server.url}/v1/chat/completions", json=body, headers=headers, timeout=60, trust_env=False
        )
        return answer.raise_for_status().text

    assert "pay.txt" not in answered([])
    assert "pay.txt" in answered(["이사회"])


def test_who_sees_a_base_is_told_by_group_and_by_name_to_administrators_alone(
    admin: httpx.Client, by_role: dict[Role, httpx.Client], pay: str
) -> None:
    key = key_of(admin, "dataset", name="사내 검색", groups=["이사회"])["key"]
    admin.patch("/api/v1/members/member@role.example", json={"groups": ["이사회"]}).raise_for_status()
    admin.put("/api/v1/knowledge/closed/groups", json={"groups": ["직원", "editors"]}).raise_for_status()
    admin.patch("/api/v1/members/editor@role.example", json={"groups": ["editors"]}).raise_for_status()
    try:
        told = admin.get("/api/v1/knowledge/closed/access").raise_for_status().json()
        assert (told["groups"], told["documents"], told["own"]) == (["직원", "editors"], 2, 1)
        circles = {circle["name"]: circle for circle in told["circles"]}
        assert list(circles)[:2] == ["직원", "editors"]
        board = circles["이사회"]
        assert (board["of_base"], board["documents"], board["member_count"]) == (False, 1, 1)
        assert [one["about"] for one in board["members"]] == ["member@role.example"]
        assert (key["id"], "사내 검색", key["hint"]) in [
            (one["id"], one["name"], one["about"]) for one in board["keys"]
        ]
        seen = by_role["editor"].get("/api/v1/knowledge/closed/access").raise_for_status().json()
        assert (seen["documents"], seen["own"]) == (1, 0)  # what an editor does not see is not counted either
        board = next(circle for circle in seen["circles"] if circle["name"] == "이사회")
        assert (board["documents"], board["member_count"], board["members"], board["keys"]) == (0, 1, [], [])
    finally:
        admin.put("/api/v1/knowledge/closed/groups", json={"groups": []}).raise_for_status()
        for role in ("member", "editor"):
            admin.patch(f"/api/v1/members/{role}@role.example", json={"groups": []}).raise_for_status()
        admin.delete(f"/api/v1/keys/{key['id']}").raise_for_status()


def test_an_administrator_looks_at_a_base_as_somebody_else(
    admin: httpx.Client, by_role: dict[Role, httpx.Client], pay: str
) -> None:
    def look(**whom: str) -> tuple[set[str], int, int, bool]:
        body = {"query": QUESTION, **whom}
        answer = admin.post("/api/v1/knowledge/closed/access/look", json=body).raise_for_status().json()
        return {hit["document"] for hit in answer["found"]}, answer["documents"], answer["total"], answer["sees_all"]

    key = key_of(admin, "model", groups=["이사회"])["key"]["id"]
    assert look() == ({"canteen.txt"}, 1, 2, False)
    assert look(group="이사회") == look(key=key) == ({"pay.txt", "canteen.txt"}, 2, 2, False)
    assert look(group="직원") == look(member="member@role.example") == ({"canteen.txt"}, 1, 2, False)
    assert look(member="admin@role.example")[3] is True
    shown = admin.post("/api/v1/knowledge/closed/access/look", json={"query": QUESTION}).json()
    assert {hit["document"] for hit in shown["withheld"]} == {"pay.txt"}
    two = {"group": "이사회", "member": "member@role.example"}
    assert admin.post("/api/v1/knowledge/closed/access/look", json=two).status_code == 400
    assert admin.post("/api/v1/knowledge/closed/access/look", json={"key": "없음"}).status_code == 404
    assert searched(admin) == {"pay.txt", "canteen.txt"}  # nothing of it stays with whoever looked
