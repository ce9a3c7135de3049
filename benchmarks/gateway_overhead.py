"""What the gateway adds to a call of a model server: CPU of each request and each streamed token, beside others.

`python -m benchmarks.gateway_overhead [--quick]`. All stand before the same model server, which answers at next to no
cost, and are asked by the same clients in one run: LLMFlow; LiteLLM's proxy (from PyPI, in a virtual environment of its
own; left out with --quick unless it is there); nginx as the floor (Debian's package, unpacked, not installed). The two
are kept under ~/.cache/llmflow-bench. LLMFlow checks the key, counts usage and writes a span for each call; with one
and with two processes it does so over PostgreSQL too, where that is installed. The clients' own CPU is not counted; the
server's own answer time is subtracted from what a gateway adds.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import aiohttp

from benchmarks.report import Line, show
from tests.live import free_port, start_server
from tests.postgres import database_of, postgres, postgres_tools

_CLIENTS = 16
_STREAMS = 64
_ROUNDS = 3
_LITELLM = "litellm[proxy]"
_CACHE = Path("~/.cache/llmflow-bench").expanduser()
_ONE, _TWO = "LLMFlow on PostgreSQL", "LLMFlow on PostgreSQL, two processes"


@dataclass(frozen=True, slots=True)
class Gate:
    """Something that stands before the model server. `pids`: whose CPU counts."""

    name: str
    url: str
    pids: tuple[int, ...]
    model: str = "stub"
    key: str = "none"

    def cpu_s(self) -> float:
        return sum(map(_cpu_s, self.pids))


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_ms: float
    wall_ms: float
    busy_cpu_ms: float  # with 16 clients
    token_us: float
    tokens_per_s: float


def main(quick: bool = False) -> dict[str, object]:
    requests, tokens = (600, 300) if quick else (3000, 1000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = free_port()
        stub = stack.enter_context(_process([sys.executable, "-m", "benchmarks.model_stub", str(port), str(tokens)]))
        upstream = f"http://127.0.0.1:{port}"
        gates = [Gate("the model server itself", upstream, (stub.pid,))]
        gates.append(_llmflow(stack, folder / "sqlite", upstream))
        gates += _over_postgres(stack, folder, upstream)
        for make in (_nginx, _litellm):
            if gate := make(stack, folder, upstream, quick):
                gates.append(gate)
        costs = asyncio.run(_measure(gates, requests, tokens))
    found: dict[str, object] = {}
    for name, cost in costs.items():
        for field in Cost.__slots__:
            found[f"{name}: {field}"] = getattr(cost, field)
    show("Gateway overhead, one process each", _report(costs))
    return found


def _llmflow(
    stack: ExitStack, home: Path, upstream: str, name: str = "LLMFlow", *, workers: int = 1, url: str = ""
) -> Gate:
    config = f"organs: {{llm: {{use: openai, url: '{upstream}'}}, embedding: {{use: hashing}}}}\n"
    config += f"server: {{workers: {workers}}}\nstore: {{url: '{url}'}}\n"
    server = start_server(home, "--no-demo", config=config)
    stack.callback(server.stop)
    with server.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "model"}).json()["token"]
    return Gate(name, server.url, (server.process.pid, *_children(server.process.pid)), key=key)


def _over_postgres(stack: ExitStack, folder: Path, upstream: str) -> list[Gate]:
    """With one process and with two, each over a database of its own."""
    if postgres_tools() is None:
        print("PostgreSQL is not installed: two processes are left out", flush=True)
        return []
    server = stack.enter_context(postgres())
    gates = []
    for workers, name in ((1, _ONE), (2, _TWO)):
        url = stack.enter_context(database_of(server))
        gates.append(_llmflow(stack, folder / f"postgres{workers}", upstream, name, workers=workers, url=url))
    return gates


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _nginx(stack: ExitStack, folder: Path, upstream: str, quick: bool) -> Gate | None:
    program = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or _unpacked_nginx()
    if program is None:
        print("nginx is neither installed nor to be had from Debian's packages: it is left out", flush=True)
        return None
    port, config = free_port(), folder / "nginx.conf"
    config.write_text(
        f"""daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log; worker_processes 1;
events {{ worker_connections 1024; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
 uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
 upstream model {{ server {upstream.removeprefix("http://")}; keepalive 128; }}
 server {{ listen 127.0.0.1:{port};
  location / {{ proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection "";
   proxy_buffering off; }} }} }}
""",
        "utf-8",
    )
    process = stack.enter_context(_process([program, "-c", str(config)]))
    time.sleep(0.5)
    return Gate("nginx", f"http://127.0.0.1:{port}", (process.pid, *_children(process.pid)))


def _unpacked_nginx() -> str | None:
    """Out of Debian's package, without installing it: no service starts, and nobody need be root."""
    folder = _CACHE / "nginx"
    program = folder / "usr" / "sbin" / "nginx"
    if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        folder.mkdir(parents=True, exist_ok=True)
        print(f"unpacking nginx into {folder} ...", flush=True)
        if subprocess.run(["apt-get", "download", "-qq", "nginx"], cwd=folder, check=False).returncode == 0:
            for package in folder.glob("nginx_*.deb"):
                subprocess.run(["dpkg", "-x", package, folder], check=True)
    return str(program) if program.exists() else None


def _litellm(stack: ExitStack, folder: Path, upstream: str, quick: bool) -> Gate | None:
    place = _CACHE / "litellm"
    program = place / "bin" / "litellm"
    if not program.exists():
        if quick:
            return None
        print(f"installing {_LITELLM} into {place} ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        subprocess.run([place / "bin" / "pip", "install", "-q", _LITELLM], check=True)
    port, config = free_port(), folder / "litellm.yaml"
    config.write_text(
        f"""model_list:
  - model_name: stub
    litellm_params: {{model: openai/stub, api_base: "{upstream}/v1", api_key: none}}
general_settings: {{master_key: sk-bench}}
litellm_settings: {{telemetry: false}}
""",
        "utf-8",
    )
    environ = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR"}
    command = [str(program), "--config", str(config), "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    process = stack.enter_context(_process(command, environ))
    return Gate("LiteLLM", f"http://127.0.0.1:{port}", (process.pid,), key="sk-bench")


@contextmanager
def _process(command: list[str], environ: dict[str, str] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _measure(gates: list[Gate], requests: int, tokens: int) -> dict[str, Cost]:
    """Medians of three rounds, in which all take turns: the machine is not the same from one minute to the next."""
    rounds: dict[str, list[Cost]] = {gate.name: [] for gate in gates}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=_STREAMS)) as http:
        for gate in gates:
            await _until_up(http, gate)
            await _some(http, gate, 100)
            await _ask(http, gate, stream=True)
        for _ in range(_ROUNDS):
            for gate in gates:
                few = max(60, requests // 20) if gate.name == "LiteLLM" else requests // _ROUNDS
                rounds[gate.name].append(await _round(http, gate, few, tokens))
    return {
        name: Cost(*(median(getattr(cost, field) for cost in costs) for field in Cost.__slots__))
        for name, costs in rounds.items()
    }


async def _round(http: aiohttp.ClientSession, gate: Gate, requests: int, tokens: int) -> Cost:
    before, started = gate.cpu_s(), time.perf_counter()
    await _some(http, gate, requests)
    alone_ms, wall_ms = (gate.cpu_s() - before) / requests * 1e3, (time.perf_counter() - started) / requests * 1e3
    before = gate.cpu_s()
    await asyncio.gather(*(_some(http, gate, requests // _CLIENTS) for _ in range(_CLIENTS)))
    busy_ms = (gate.cpu_s() - before) / (requests // _CLIENTS * _CLIENTS) * 1e3
    before, started = gate.cpu_s(), time.perf_counter()
    answers = await asyncio.gather(*(_ask(http, gate, stream=True) for _ in range(_STREAMS)))
    cpu_s, wall_s = gate.cpu_s() - before, time.perf_counter() - started
    count = sum(answer.count(b" word") for answer in answers)
    if count != _STREAMS * tokens or not all(answer.endswith(b"[DONE]\n\n") for answer in answers):
        raise RuntimeError(f"{gate.name} lost {_STREAMS * tokens - count} of {_STREAMS * tokens} tokens")
    return Cost(alone_ms, wall_ms, busy_ms, cpu_s / count * 1e6, count / wall_s)


async def _some(http: aiohttp.ClientSession, gate: Gate, count: int) -> None:
    for _ in range(count):
        await _ask(http, gate)


async def _ask(http: aiohttp.ClientSession, gate: Gate, *, stream: bool = False) -> bytes:
    body = {"model": gate.model, "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    headers = {"Authorization": f"Bearer {gate.key}"}
    async with http.post(f"{gate.url}/v1/chat/completions", json=body, headers=headers) as answer:
        answer.raise_for_status()
        return await answer.read()


async def _until_up(http: aiohttp.ClientSession, gate: Gate) -> None:
    for _ in range(600):
        try:
            await _ask(http, gate)
            return
        except aiohttp.ClientError:
            await asyncio.sleep(0.2)
    raise RuntimeError(f"{gate.name} did not start")


def _report(costs: dict[str, Cost]) -> list[Line]:
    ours, direct = costs["LLMFlow"], costs["the model server itself"]
    others = [name for name in costs if name not in ("LLMFlow", "the model server itself", _ONE, _TWO)]

    def beside(field: str, shown: str, minus: float = 0.0) -> str:
        return ", ".join(f"{name} {getattr(costs[name], field) - minus:{shown}}" for name in others)

    added, rate = ours.wall_ms - direct.wall_ms, 1000 / ours.busy_cpu_ms
    alone, busy = ours.cpu_ms, ours.busy_cpu_ms
    lines = [
        Line("not streamed, one client", f"{alone:.2f} CPU-ms", "<= 0.35", beside("cpu_ms", ".2f"), alone <= 0.35),
        Line(
            "  added to the server's own time",
            f"{added:.2f} ms",
            "<= 0.5",
            beside("wall_ms", ".2f", direct.wall_ms),
            added <= 0.5,
        ),
        Line(
            f"not streamed, {_CLIENTS} clients",
            f"{busy:.2f} CPU-ms",
            "<= 0.35",
            beside("busy_cpu_ms", ".2f"),
            busy <= 0.35,
        ),
        Line("  requests for each second of CPU", f"{rate:,.0f}", ">= 2,800", "", rate >= 2800),
        Line(
            f"streamed, {_STREAMS} at once",
            f"{ours.token_us:.1f} us CPU a token",
            "<= 15",
            beside("token_us", ".1f"),
            ours.token_us <= 15,
        ),
        Line(
            "  tokens a second, clients on the same cores",
            f"{ours.tokens_per_s:,.0f}",
            ">= 40,000",
            f"{beside('tokens_per_s', ',.0f')}, without a gateway {direct.tokens_per_s:,.0f}",
            ours.tokens_per_s >= 40_000,
        ),
    ]
    if _TWO in costs:
        one, two = costs[_ONE].busy_cpu_ms, costs[_TWO].busy_cpu_ms
        beside_one = f"one process {one:.2f}, two {two:.2f} CPU-ms, both on PostgreSQL"
        what = f"two processes to one, {_CLIENTS} clients"
        lines.append(Line(what, f"{two / one:.2f}x CPU", "<= 1.1x", beside_one, two <= 1.1 * one))
    return lines


if __name__ == "__main__":
    main(quick="--quick" in sys.argv)
