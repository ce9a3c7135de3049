"""The playground over the console's API, on a real server: a model's words as they come, and what they cost."""

from __future__ import annotations

import json
from typing import Any

import httpx

from tests.live import LiveServer


def events(client: httpx.Client, **body: Any) -> list[dict[str, Any]]:
    with client.stream("POST", "/api/v1/models/chat", json=body) as answer:
        answer.raise_for_status()
        lines = [line.removeprefix("data: ") for line in answer.iter_lines() if line.startswith("data: ")]
    assert "[DONE]" in lines
    return [json.loads(line) for line in lines if line != "[DONE]"]


def test_a_model_is_asked_with_its_words_its_tokens_and_its_price(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        client.put("/api/v1/prices/scripted", json={"input_usd": 1_000, "output_usd": 2_000}).raise_for_status()
        messages = [{"role": "user", "content": "하나 둘 셋"}]
        told = events(client, model="scripted", messages=messages)
        client.delete("/api/v1/prices/scripted").raise_for_status()
    words = "".join(one["choices"][0]["delta"].get("content") or "" for one in told if one.get("choices"))
    assert words == "하나 둘 셋"
    [usage] = [one["usage"] for one in told if one.get("usage")]
    assert (usage["prompt_tokens"], usage["completion_tokens"]) == (3, 3)
    assert told[-1] == {"usd": 0.009}


def test_what_cannot_be_asked_says_why(fake_model_server: LiveServer) -> None:
    with fake_model_server.client() as client:
        missing = client.post(
            "/api/v1/models/chat", json={"model": "nobody", "messages": [{"role": "user", "content": "?"}]}
        )
        assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_unknown")
        empty = client.post("/api/v1/models/chat", json={"model": "scripted", "messages": []})
        assert empty.status_code == 400
