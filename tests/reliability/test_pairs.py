"""kill -9 while a model writes questions from a document."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.model_server import model_server
from tests.reliability.servers import FAKES, up

pytestmark = pytest.mark.slow

_PARTS, _AT_ONCE = 24, 4


def test_what_the_model_has_said_is_never_asked_again(tmp_path: Path) -> None:
    reply = json.dumps({"pairs": [{"question": "며칠인가요?", "answer": "15일입니다."}]}, ensure_ascii=False)
    with model_server(reply=reply, delay_s=0.05, counts=True) as model:
        llm = f"llm: {{use: openai, url: '{model.url}'}}"
        config = FAKES.replace("llm: {use: scripted}", llm)
        server = up(tmp_path / "home", config)
        with server.client() as console:
            base = console.post("/api/v1/knowledge", json={"name": "질문"}).raise_for_status().json()["id"]
            rule = {"method": "qa", "separator": "\n\n", "model": "tiny-1"}
            console.put(f"/api/v1/knowledge/{base}/chunking", json={"chunking": rule}).raise_for_status()
        server.put(base, "규정.txt", "\n\n".join(f"제{n}조 휴가는 {n}일이다." for n in range(_PARTS)).encode())
        end = time.monotonic() + 30
        while len(model.asked) < _PARTS // 2 and time.monotonic() < end:
            time.sleep(0.01)
        server.kill()
        server = up(tmp_path / "home", config)
        assert server.wait_until_indexed(base) == {"ready": 1}
        texts = Counter(body["messages"][1]["content"] for body in model.asked)
        assert len(texts) == _PARTS
        assert texts.total() <= _PARTS + _AT_ONCE  # what was under way is all that is asked twice
        with server.client() as console:
            (document,) = console.get(f"/api/v1/knowledge/{base}/documents").json()["documents"]
            passages = console.get(f"/api/v1/documents/{document['id']}/passages?limit=100").json()
            assert [one["answer"] for one in passages] == ["15일입니다."] * _PARTS
        assert server.stop() == 0
        assert "Traceback" not in server.log()
