"""A real server with a chat app over one document, on fakes; and what tests ask of it over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.live import LiveServer

CONFIG = (
    "organs: {llm: {use: scripted, delay_ms: 2}, embedding: {use: hashing}, vector_store: {use: memory}}\n"
    "workflow: {http_allow: [127.0.0.1]}\n"
)
HANDBOOK = "# 휴가\n\n연차 휴가는 매년 15일입니다.\n\n# Leave\n\nAnnual leave is fifteen days a year for all staff.\n"
QUESTION = "연차 휴가는 매년 15일입니까?"


@dataclass(frozen=True)
class ChatServer:
    """`knows`: the app over the handbook; `plain`: one without knowledge, whose model repeats the question."""

    live: LiveServer
    knows: str  # keys of kind app
    plain: str
    dataset: str
    model: str

    @contextmanager
    def client(self, key: str | None) -> Iterator[httpx.Client]:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        with httpx.Client(base_url=f"{self.live.url}/v1", headers=headers, timeout=30, trust_env=False) as client:
            yield client


def prepare(live: LiveServer) -> ChatServer:
    with live.client() as console:
        console.post("/api/v1/knowledge", json={"name": "handbook"}).raise_for_status()
        live.put("handbook", "휴가 규정.md", HANDBOOK.encode())
        live.wait_until_indexed("handbook")
        keys = {}
        for name, knowledge in (("knows", ["handbook"]), ("plain", [])):
            console.post("/api/v1/apps", json={"name": name, "knowledge": knowledge}).raise_for_status()
            keys[name] = console.post("/api/v1/keys", json={"kind": "app", "app": name}).json()["token"]
        for kind in ("dataset", "model"):
            keys[kind] = console.post("/api/v1/keys", json={"kind": kind}).json()["token"]
    return ChatServer(live, **keys)


def imported(console: httpx.Client, document: str, **more: Any) -> str:
    """A key of the app that a DSL file makes, published."""
    made = console.post("/api/v1/apps/import", json={"document": document, "publish": True, **more})
    made.raise_for_status()
    key = console.post("/api/v1/keys", json={"kind": "app", "app": made.json()["app_id"]})
    return str(key.raise_for_status().json()["token"])


def events(lines: Iterator[str]) -> list[dict[str, Any]]:
    """The JSON of each event of a stream, [DONE] and pings left out."""
    data = (line.removeprefix("data: ") for line in lines if line.startswith("data: "))
    return [json.loads(item) for item in data if item != "[DONE]"]
