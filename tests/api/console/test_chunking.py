"""How documents are cut over the console's API, on a real server whose model repeats what it is told."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.live import LiveServer

PAIR = {"question": "연차는 며칠인가요?", "answer": "15일입니다."}
TEXT = f"{json.dumps({'pairs': [PAIR]}, ensure_ascii=False)}\n\n둘째 글이다."


def _preview(client: httpx.Client, document: str, rule: dict[str, str], ask: int = 0) -> Any:
    asked = {"chunking": rule, "ask": ask}
    answer = client.post(f"/api/v1/documents/{document}/chunking/preview", json=asked).raise_for_status()
    return answer.json()


def _document(accepted: Any) -> str:
    return str(accepted["document"]["id"])


def test_a_preview_says_what_a_rule_takes_and_tries_the_model_with_as_many_parts_as_it_is_told(
    fake_model_server: LiveServer,
) -> None:
    server = fake_model_server
    with server.client() as client:
        base = client.post("/api/v1/knowledge", json={"name": "미리 보기"}).raise_for_status().json()["id"]
        document = _document(server.put(base, "규정.txt", TEXT.encode()))
        assert server.wait_until_indexed(base) == {"ready": 1}
        same = _preview(client, document, {})
        assert (same["embed"], same["share"], same["questions"]) == (0, 1.0, None)
        parents = _preview(client, document, {"method": "parent_child", "separator": "\n\n"})
        assert (parents["total"], parents["embed"]) == (2, 2)
        rule = {"method": "qa", "separator": "\n\n"}
        due = _preview(client, document, rule)
        questions = dict(due["questions"])
        assert (questions["model"], questions["parts"], questions["known"], questions["usd"]) == (
            "scripted",
            2,
            0,
            None,
        )
        assert questions["input_tokens"] > 340 and questions["output_tokens"] > 10
        assert [one["is_due"] for one in due["passages"]] == [True, True]
        tried = _preview(client, document, rule, ask=1)
        first, second = tried["passages"]
        assert (first["text"], first["answer"], first["is_due"]) == (PAIR["question"], PAIR["answer"], False)
        assert second["is_due"]
        again = _preview(client, document, rule)
        assert again["questions"]["known"] == 1
        unknown = _preview(client, document, {"method": "qa", "model": "nobody"})
        fault = unknown["questions"]
        assert (fault["error_code"], fault["known"]) == ("model_unknown", 0)
