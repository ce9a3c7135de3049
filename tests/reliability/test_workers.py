"""Two real processes at one address over one PostgreSQL: exact budgets, and one server to whoever asks."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests import upstream as up
from tests.live import LiveServer, start_server

CONFIG = """
store: {{url: "{database}"}}
organs: {{llm: {{use: openai, url: "{url}"}}, embedding: {{use: hashing}}}}
models:
  smart: {{deployments: [{{server: default}}]}}
limits: {{body_mb: 1}}
"""
HELLO = [{"role": "user", "content": "안녕"}]


@dataclass(frozen=True)
class Scene:
    live: LiveServer
    server: up.Upstream
    key: str

    def ask(self, model: str = "up", **more: Any) -> httpx.Response:
        """On a connection of its own, which the kernel gives to one of the two."""
        headers = {"Authorization": f"Bearer {self.key}"}
        with httpx.Client(base_url=self.live.url, headers=headers, timeout=30, trust_env=False) as client:
            return client.post("/v1/chat/completions", json={"model": model, "messages": HELLO, **more})

    def counted(self, metric: str, **labels: str) -> dict[str, float]:
        """One of the numbers so far, by process: "" is the one that leads."""
        with self.live.client() as console:
            text = console.get("/metrics").text
        found = {"": 0.0, "1": 0.0}
        for told, count in re.findall(rf"^{metric}\{{(.*)\}} (\S+)$", text, re.MULTILINE):
            known = dict(re.findall(r'(\w+)="([^"]*)"', told))
            if known.items() >= labels.items():
                found[known.get("worker", "")] += float(count)
        return found

    def asked(self) -> dict[str, float]:
        """Requests of models that each process saw itself, let through or not."""
        return self.counted("llmflow_http_requests_total", surface="v1")


@pytest.fixture(scope="module")
def scene(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    database = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgres_server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{database}"')
    with up.upstream_thread(default=up.completion("네, 안녕하세요")) as server:
        config = CONFIG.format(database=f"{postgres_server}/{database}", url=server.url)
        live = start_server(tmp_path_factory.mktemp("home"), "--no-demo", "--workers", "2", config=config)
        with live.client() as console:
            key = console.post("/api/v1/keys", json={"kind": "model"}).json()["token"]
        found = Scene(live, server, key)
        _until(lambda: (found.ask().status_code == 200) and all(found.asked().values()))
        yield found
        if live.process.poll() is None:
            live.stop()


def _until(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.05)


def _put_quota(scene: Scene, **bounds: Any) -> str:
    with scene.live.client() as console:
        keys = console.get("/api/v1/keys").json()
        [mine] = [one["id"] for one in keys if one["kind"] == "model"]
        put = console.put("/api/v1/quotas", json={"subject": "key", "subject_id": mine, **bounds})
        put.raise_for_status()
        return str(put.json()["id"])


def _drop_quota(scene: Scene, quota: str) -> None:
    with scene.live.client() as console:
        console.delete(f"/api/v1/quotas/{quota}").raise_for_status()


def test_both_processes_serve_and_are_one_server(scene: Scene) -> None:
    before = scene.asked()
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: scene.ask(), range(48)))
    assert {answer.json()["choices"][0]["message"]["content"] for answer in answers} == {"네, 안녕하세요"}
    after = scene.asked()
    assert {name: after[name] - before[name] > 0 for name in ("", "1")} == {"": True, "1": True}


@pytest.mark.parametrize(
    ("bounds", "most"),
    [({"budget_usd": 0.0015, "period": "month"}, 150), ({"budget_usd": 0.001, "period": "day"}, 100)],
)
def test_of_200_requests_at_once_exactly_so_many_pass_as_the_budget_holds(
    scene: Scene, bounds: dict[str, Any], most: int
) -> None:
    """Each answer costs 0.00001 dollars: 10 a million tokens for the one that came back."""
    answer = up.answers(
        {
            "choices": [{"message": {"role": "assistant", "content": "네"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 0, "completion_tokens": 1},
        }
    )
    scene.server.default, before = answer, scene.server.default
    with scene.live.client() as console:
        console.put("/api/v1/prices/up", json={"input_usd": 0.0, "output_usd": 10.0}).raise_for_status()
    quota = _put_quota(scene, **bounds)

    async def at_once() -> list[int]:
        headers = {"Authorization": f"Bearer {scene.key}"}
        limits = httpx.Limits(max_connections=200, max_keepalive_connections=0)
        async with httpx.AsyncClient(
            base_url=scene.live.url, headers=headers, limits=limits, timeout=60, trust_env=False
        ) as client:
            body = {"model": "up", "messages": HELLO, "max_tokens": 1}
            return [
                one.status_code
                for one in await asyncio.gather(*(client.post("/v1/chat/completions", json=body) for _ in range(200)))
            ]

    before_it = scene.asked()
    try:
        codes = asyncio.run(at_once())

        def one_more() -> bool:
            codes.append(scene.ask(max_tokens=1).status_code)
            return codes.count(200) >= most

        if codes.count(200) < most:  # one process still holds what the other may have once it is given back
            _until(one_more)
        codes += [scene.ask(max_tokens=1).status_code for _ in range(12)]
        assert (codes.count(200), set(codes)) == (most, {200, 429})
        assert all(scene.asked()[name] > before_it[name] for name in ("", "1")), "both counted"
    finally:
        _drop_quota(scene, quota)
        scene.server.default = before


def test_what_one_process_changes_the_other_knows(scene: Scene) -> None:
    """A key revoked, a route set and dropped, a server connected and dropped: asked for until both have answered."""
    with scene.live.client() as console:
        made = console.post("/api/v1/keys", json={"kind": "model"}).json()
        other = Scene(scene.live, scene.server, made["token"])
        assert {other.ask().status_code for _ in range(12)} == {200}
        console.delete(f"/api/v1/keys/{made['key']['id']}").raise_for_status()
        _until(lambda: {other.ask().status_code for _ in range(12)} == {401})
        console.put("/api/v1/models/routes/late", json={"deployments": [{"server": "default"}]}).raise_for_status()
        _until(lambda: {scene.ask("late").status_code for _ in range(12)} == {200})
        console.delete("/api/v1/models/routes/late").raise_for_status()
        _until(lambda: {scene.ask("late").status_code for _ in range(12)} == {404})
        with up.upstream_thread(models=["second"]) as second:
            given = {"name": "two", "url": second.url, "untested": True}
            answer = console.post("/api/v1/models/connections", json=given)
            answer.raise_for_status()
            _until(lambda: {scene.ask("second").status_code for _ in range(12)} == {200})
            console.delete(f"/api/v1/models/connections/{answer.json()['connection']['id']}").raise_for_status()
            _until(lambda: {scene.ask("second").status_code for _ in range(12)} == {404})


def test_what_the_leading_process_alone_has_any_connection_reaches(scene: Scene) -> None:
    """Console, apps, organs of its own, files: asked over twelve connections each, all answer alike."""
    with scene.live.client() as console:
        console.post("/api/v1/apps", json={"name": "plain"}).raise_for_status()
    paths: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/api/v1/apps", {}),
        ("GET", "/readyz", {}),
        ("GET", "/", {}),
        ("POST", "/v1/embeddings", {"json": {"input": "안녕"}}),
        ("POST", "/v1/chat/completions", {"json": {"model": "app/plain", "messages": HELLO}}),
        ("POST", "/v1/chat/completions", {"json": {"model": "nowhere", "messages": HELLO}}),
        ("POST", "/v1/nothing", {"json": {}}),
        ("POST", "/v1/chat/completions", {"content": b"x" * (2 << 20)}),
        ("PUT", "/api/v1/knowledge/none/documents/%ED%9C%B4%EA%B0%80%20a.md", {"content": iter_of(b"abc")}),
    ]
    for method, path, options in paths:
        codes = set()
        for _ in range(12):
            given = {name: value() if callable(value) else value for name, value in options.items()}
            with scene.live.client() as client:
                answer = client.request(method, path, **given)
                codes.add((answer.status_code, len(answer.headers.get_list("x-request-id"))))
        [(status, ids)] = codes
        assert (ids, status < 500) == (1, True), (path, codes)


def iter_of(content: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([content])


def test_a_run_is_stopped_over_any_connection(scene: Scene) -> None:
    with scene.live.client() as console:
        console.post("/api/v1/apps", json={"name": "stream"}).raise_for_status()
        key = console.post("/api/v1/keys", json={"kind": "app", "app": "stream"}).json()["token"]
    headers = {"Authorization": f"Bearer {key}"}
    asked = {"query": "안녕", "user": "u", "inputs": {}, "response_mode": "streaming"}
    with _hanging(scene):
        for _ in range(6):
            with (
                httpx.Client(base_url=scene.live.url, headers=headers, timeout=30, trust_env=False) as client,
                client.stream("POST", "/v1/chat-messages", json=asked) as answer,
            ):
                events = (json.loads(line[6:]) for line in answer.iter_lines() if line.startswith("data: "))
                task = next(event["task_id"] for event in events if event["event"] == "message")
                with httpx.Client(base_url=scene.live.url, headers=headers, timeout=30, trust_env=False) as another:
                    stopped = another.post(f"/v1/chat-messages/{task}/stop", json={"user": "u"})
                    assert stopped.json() == {"result": "success"}
                assert [event["event"] for event in events][-1] == "message_end"


def test_a_reader_that_leaves_ends_the_call_in_whichever_process(scene: Scene) -> None:
    def cancelled() -> float:
        return sum(scene.counted("llmflow_gateway_calls_total", outcome="cancelled").values())

    before = cancelled()
    asked = [{"model": model, "messages": HELLO, "stream": True} for model in ("up", "app/stream") * 4]
    with _hanging(scene):
        for body in asked:
            headers = {"Authorization": f"Bearer {scene.key}"}
            with (
                httpx.Client(base_url=scene.live.url, headers=headers, timeout=30, trust_env=False) as client,
                client.stream("POST", "/v1/chat/completions", json=body) as answer,
            ):
                assert any("하나" in piece for piece in answer.iter_text())
        _until(lambda: cancelled() == before + len(asked))


@contextmanager
def _hanging(scene: Scene) -> Iterator[None]:
    """Meanwhile the model says a word and no more."""
    before, scene.server.default = scene.server.default, up.streams(up.word("하나"), waits=asyncio.Event())
    try:
        yield
    finally:
        scene.server.default = before


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_worker_that_is_killed_is_replaced(scene: Scene) -> None:
    leader, worker = _children(scene.live.process.pid)
    os.kill(worker, signal.SIGKILL)
    _until(lambda: len(_children(scene.live.process.pid)) == 2 and worker not in _children(scene.live.process.pid))
    assert _children(scene.live.process.pid)[0] == leader
    with ThreadPoolExecutor(16) as pool:
        assert {answer.status_code for answer in pool.map(lambda _: scene.ask(), range(48))} == {200}
    _until(lambda: scene.asked()["1"] > 0)


def test_nothing_is_left_when_the_watching_process_is_killed(scene: Scene) -> None:
    crew = _children(scene.live.process.pid)
    scene.live.kill()
    _until(lambda: not any(_lives(pid) for pid in crew))
    again = start_server(scene.live.home, "--no-demo", "--workers", "2")
    assert again.stop() == 0
    assert "Traceback" not in again.log(), again.log()


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"
