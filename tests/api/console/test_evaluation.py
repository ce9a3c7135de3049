"""Evaluation over the console API, on a real server on fakes: from a file to the base's setting."""

from __future__ import annotations

import time
from typing import Any

import httpx

from tests.live import LiveServer

NAME = "evaluated"
FILE = "질문,정답 문서\n연차 휴가는 며칠인가,휴가.txt\n출장비는 얼마인가,여비.txt\n어디,없음.txt\n".encode("cp949")


def over(client: httpx.Client, path: str) -> dict[str, Any]:
    while True:
        shown: dict[str, Any] = client.get(path).raise_for_status().json()
        if shown["evaluation"]["state"] not in ("queued", "running"):
            return shown
        time.sleep(0.05)


def test_a_file_of_questions_becomes_the_setting_of_a_base(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": NAME}).raise_for_status().json()
        path = f"/api/v1/knowledge/{NAME}"
        for name, text in {"휴가.txt": "연차 휴가는 15일이다.", "여비.txt": "출장비는 하루 5만원이다."}.items():
            client.put(f"{path}/documents/{name}", content=text.encode()).raise_for_status()
        fake_model_server.wait_until_indexed(NAME)

        read = client.post(f"{path}/questions", content=FILE).raise_for_status().json()
        assert [one["documents"] for one in read["questions"]] == [["휴가.txt"], ["여비.txt"]]
        assert [(one["line"], one["fault"], one["what"]) for one in read["problems"]] == [
            (4, "document_unknown", "없음.txt")
        ]
        body = {"name": "질문.csv", "questions": [*read["questions"], {"question": "?", "documents": ["x"], "line": 4}]}
        refused = client.post(f"{path}/evaluations", json=body)
        assert (refused.status_code, refused.json()["error"]["code"]) == (400, "questions_invalid")
        begun = client.post(f"{path}/evaluations", json=body | {"leave_out": True}).raise_for_status()
        assert begun.status_code == 202
        shown = over(client, f"{path}/evaluations/{begun.json()['id']}")
        found = shown["evaluation"]
        assert (found["state"], found["total"], found["left_out"]) == ("done", 2, 1)
        assert {one["name"]: one["notes"] for one in found["settings"]}["rerank"] == {"rerank_missing": 1}
        asked = client.get(f"{path}/evaluations/{found['id']}/questions", params={"limit": 1}).json()
        assert (len(asked["questions"]), asked["total"], asked["hidden"]) == (1, 2, 0)
        assert set(asked["questions"][0]["places"]) == {"dense", "keyword", "hybrid"}

        rule = shown["would_be"]["keyword"]
        assert client.put(f"{path}/retrieval", json=rule).raise_for_status().json() == rule
        trial = {"again": found["id"], "trial": {"fusion": "ranks"}}
        again = client.post(f"{path}/evaluations", json=trial).raise_for_status().json()
        assert again["digest"] == found["digest"]
        names = [one["name"] for one in over(client, f"{path}/evaluations/{again['id']}")["evaluation"]["settings"]]
        assert names == ["dense", "keyword", "hybrid", "rerank", "trial"]  # `now` is keyword, which is there
        both = client.post(f"{path}/evaluations", json=trial | {"questions": read["questions"]})
        assert (both.status_code, both.json()["error"]["param"]) == (400, "again")
        client.post(f"{path}/evaluations/{again['id']}/stop").raise_for_status()
        assert client.delete(f"{path}/evaluations/{again['id']}").status_code == 204
        assert [one["id"] for one in client.get(f"{path}/evaluations").json()] == [found["id"]]
        client.delete(f"/api/v1/knowledge/{base['id']}")
