"""What LLMFlow itself adds to a chat: CPU of the server for each turn, relayed request and streamed token.

`python -m benchmarks.chat_overhead [--quick]`. A real `llmflow up` on fakes: the model repeats what it is told at no
cost worth the name, vectors are hashed, so that what is left is HTTP, authentication, retrieval, prompt, the turn's
journal in SQLite and server-sent events. The clients' own CPU is not counted.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.report import Line, show
from tests.live import LiveServer, start_server

_CONFIG = "organs: {llm: {use: scripted}, embedding: {use: hashing}}\n"
_HANDBOOK = "\n\n".join(
    f"# Rule {n}\n\nRule number {n} says that request {n} is answered within {n} working days by desk {n}."
    for n in range(200)
)
_QUESTION = "Within how many working days is request 42 answered by rule number 42?"
_STREAMS = 64


@dataclass(frozen=True, slots=True)
class Keys:
    app: str
    model: str


def main(quick: bool = False) -> dict[str, object]:
    turns, requests, words = (100, 500, 200) if quick else (400, 4000, 1000)
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder) / "home", "--no-demo", config=_CONFIG)
        try:
            found = asyncio.run(_measure(server, _prepare(server), turns, requests, words))
        finally:
            server.stop()
    show("Chat overhead, one server process, fake model", _report(found))
    return found


def _prepare(server: LiveServer) -> Keys:
    with server.client() as console:
        console.post("/api/v1/knowledge", json={"name": "rules"}).raise_for_status()
        server.put("rules", "rules.md", _HANDBOOK.encode())
        server.wait_until_indexed("rules")
        console.post("/api/v1/apps", json={"name": "desk", "knowledge": ["rules"]}).raise_for_status()
        app = console.post("/api/v1/keys", json={"kind": "app", "app": "desk"}).json()["token"]
        return Keys(app, console.post("/api/v1/keys", json={"kind": "model"}).json()["token"])


async def _measure(server: LiveServer, keys: Keys, turns: int, requests: int, words: int) -> dict[str, object]:
    async with aiohttp.ClientSession(server.url) as http:
        await _turn(http, keys)  # everything is loaded
        before = server.cpu_s()
        firsts = [await _turn(http, keys) for _ in range(turns)]
        turn_ms = (server.cpu_s() - before) / turns * 1000
        await _relay(http, keys, "hello", stream=False)
        before, started = server.cpu_s(), time.perf_counter()
        for _ in range(requests):
            await _relay(http, keys, "hello", stream=False)
        relay_wall_ms = (time.perf_counter() - started) / requests * 1000
        relay_ms = (server.cpu_s() - before) / requests * 1000
        text = "word " * words
        before, started = server.cpu_s(), time.perf_counter()
        await asyncio.gather(*(_relay(http, keys, text, stream=True) for _ in range(_STREAMS)))
        stream_s, stream_cpu_s = time.perf_counter() - started, server.cpu_s() - before
    tokens = _STREAMS * words
    return {
        "turn_cpu_ms": turn_ms,
        "turn_first_event_p50_ms": median(firsts) * 1000,
        "relay_cpu_ms": relay_ms,
        "relay_wall_ms": relay_wall_ms,
        "streamed_token_cpu_us": stream_cpu_s / tokens * 1e6,
        "streamed_tokens_per_s": tokens / stream_s,
    }


async def _turn(http: aiohttp.ClientSession, keys: Keys) -> float:
    """One streamed turn of the app over knowledge; seconds to its first piece of text."""
    wanted = {"inputs": {}, "query": _QUESTION, "user": "bench", "response_mode": "streaming"}
    headers = {"Authorization": f"Bearer {keys.app}"}
    started = time.perf_counter()
    first = 0.0
    ended = False
    async with http.post("/v1/chat-messages", json=wanted, headers=headers) as answer:
        answer.raise_for_status()
        async for line in answer.content:
            if not first and b'"event":"message"' in line:
                first = time.perf_counter() - started
            ended |= b'"event":"message_end"' in line
    if not ended:
        raise RuntimeError("a turn did not end")
    return first


async def _relay(http: aiohttp.ClientSession, keys: Keys, text: str, *, stream: bool) -> None:
    wanted = {"model": "scripted", "messages": [{"role": "user", "content": text}], "stream": stream}
    headers = {"Authorization": f"Bearer {keys.model}"}
    async with http.post("/v1/chat/completions", json=wanted, headers=headers) as answer:
        answer.raise_for_status()
        body = await answer.read()
    if not (b"[DONE]" in body if stream else b'"finish_reason":"stop"' in body):
        raise RuntimeError("an answer was cut off")


def _report(found: dict[str, object]) -> list[Line]:
    number = {name: float(str(value)) for name, value in found.items()}
    turn, relay, token = number["turn_cpu_ms"], number["relay_cpu_ms"], number["streamed_token_cpu_us"]
    return [
        Line(
            "a turn over knowledge, streamed and stored",
            f"{turn:.1f} CPU-ms",
            "",
            "Dify start->template->end: 152-216, without retrieval",
        ),
        Line("its first piece of text, p50", f"{number['turn_first_event_p50_ms']:.1f} ms", "", ""),
        Line(
            "gateway, not streamed",
            f"{relay:.2f} CPU-ms",
            "<= 0.35",
            "LiteLLM 29.7, Portkey 5.2, nginx 0.08",
            relay <= 0.35,
        ),
        Line("  the same, wall at one client", f"{number['relay_wall_ms']:.2f} ms", "", ""),
        Line(
            f"gateway, streamed, {_STREAMS} at once",
            f"{token:.0f} us CPU a token",
            "<= 15",
            "LiteLLM 1,103, ferrogw 34, smg 16, nginx 4.4",
            token <= 15,
        ),
        Line("  the same", f"{number['streamed_tokens_per_s']:,.0f} tokens/s", ">= 40,000", "", None),
    ]


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
