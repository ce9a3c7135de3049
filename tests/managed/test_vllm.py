"""vLLM for real: installed from its recipe, run, asked through the gateway, killed, and ended whole (make test-organs).

The environment is kept in `build/organs`, so that only the first run installs it: about 3 GB and some minutes.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.live import LiveServer, start_server
from tests.managed.test_servers import marked
from tests.reliability.servers import PROGRAM, ROOT, environ

pytestmark = [pytest.mark.organs, pytest.mark.timeout(1800)]

ORGANS = ROOT / "build" / "organs"
CONFIG = f"managed: {{path: '{ORGANS}'}}\norgans: {{llm: {{use: scripted}}, embedding: {{use: hashing}}}}\n"
MODEL = "smollm2-135m-instruct"
TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
    },
}
#: Makes a LoRA adapter of small random numbers, inside vLLM's environment.
MAKE_ADAPTER = """
import json, sys, torch
from pathlib import Path
from safetensors.torch import save_file
folder, layers, size = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
torch.manual_seed(1)
tensors = {}
for layer in range(layers):
    name = f"base_model.model.model.layers.{layer}.self_attn.q_proj"
    tensors[f"{name}.lora_A.weight"] = torch.randn(8, size) * 0.3
    tensors[f"{name}.lora_B.weight"] = torch.randn(size, 8) * 0.3
folder.mkdir(parents=True, exist_ok=True)
save_file(tensors, folder / "adapter_model.safetensors")
(folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA", "r": 8, "lora_alpha": 16,
    "target_modules": ["q_proj"], "bias": "none", "task_type": "CAUSAL_LM", "base_model_name_or_path": "smollm2"}))
"""


def organs(server: LiveServer, *arguments: str) -> Any:
    command = [str(PROGRAM), "organs", *arguments, "--json", "--home", str(server.home)]
    done = subprocess.run(command, capture_output=True, text=True, env=environ(), timeout=1700, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """A server with vLLM installed and serving SmolLM2-135M."""
    server = start_server(tmp_path_factory.mktemp("vllm") / "home", "--no-demo", config=CONFIG, environ=environ())
    try:
        organs(server, "install", "vllm")
        organs(server, "start", "vllm", "--set", f"model={MODEL}", "--set", "arguments=--enforce-eager")
        yield server
    finally:
        server.stop()
    assert marked(ORGANS) == []


@pytest.fixture(scope="module")
def client(live: LiveServer) -> Iterator[httpx.Client]:
    """OpenAI's API of the gateway."""
    with live.client() as console:
        key = console.post("/api/v1/keys", json={"kind": "model", "name": "vllm"}).json()["token"]
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=f"{live.url}/v1", headers=headers, timeout=300, trust_env=False) as found:
        yield found


def ask(client: httpx.Client, question: str, **more: Any) -> dict[str, Any]:
    body = {"model": MODEL, "messages": [{"role": "user", "content": question}], "temperature": 0, "max_tokens": 60}
    answer = client.post("/chat/completions", json=body | more)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def until(holds: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.5)


def state(live: LiveServer) -> dict[str, Any]:
    with live.client() as console:
        found: list[dict[str, Any]] = [one["state"] for one in console.get("/api/v1/organs/managed").json()]
    return next(one for one in found if one["name"] == "vllm")


def test_it_serves_and_shows_what_it_takes(live: LiveServer) -> None:
    told = state(live)
    assert (told["state"], told["model"]) == ("running", MODEL)
    assert told["memory_mb"] > 1000
    assert told["disk_mb"] > 1000


def test_a_question_is_answered_through_the_gateway(client: httpx.Client) -> None:
    found = ask(client, "What is the capital of France?")
    assert "Paris" in found["choices"][0]["message"]["content"]
    assert found["usage"]["completion_tokens"] > 0


def test_an_answer_is_streamed(client: httpx.Client) -> None:
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Count to five."}], "stream": True}
    pieces = []
    with client.stream("POST", "/chat/completions", json=body | {"max_tokens": 40, "temperature": 0}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                pieces += [choice["delta"].get("content") for choice in json.loads(line[6:])["choices"]]
    assert len([piece for piece in pieces if piece]) > 5


def test_strict_tools_get_arguments_of_their_schema(client: httpx.Client) -> None:
    found = ask(client, "What is the weather in Seoul?", tools=[TOOL], tool_choice="required", max_tokens=120)
    (call,) = found["choices"][0]["message"]["tool_calls"]
    arguments = json.loads(call["function"]["arguments"])
    assert call["function"]["name"] == "weather"
    assert set(arguments) == {"city", "unit"}
    assert arguments["unit"] in ("celsius", "fahrenheit")


def test_an_answer_keeps_a_json_schema(client: httpx.Client) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 30}, "large": {"type": "boolean"}},
        "required": ["city", "large"],
        "additionalProperties": False,
    }
    kept = {"type": "json_schema", "json_schema": {"name": "city", "schema": schema}}
    found = ask(client, "Name a city.", response_format=kept)
    answer = json.loads(found["choices"][0]["message"]["content"])
    assert set(answer) == {"city", "large"}
    assert isinstance(answer["large"], bool)


def test_an_adapter_is_served_beside_its_model(live: LiveServer, client: httpx.Client, tmp_path: Path) -> None:
    made = tmp_path / "adapter"
    python = ORGANS / "vllm" / "venv" / "bin" / "python"
    psutil.Popen([str(python), "-c", MAKE_ADAPTER, str(made), "30", "576"]).wait(300)
    path = "/api/v1/organs/managed/vllm/adapters/noise"
    with live.client() as console:
        loaded = console.put(path, json={"path": str(made)})
        assert loaded.status_code == 204, loaded.text
        refused = console.put(path, json={"path": str(tmp_path / "none")})
        assert refused.json()["error"]["code"] == "adapter_refused"
    listed = [model["id"] for model in client.get("/models").json()["data"]]
    assert {MODEL, "noise"} <= set(listed)
    question = "What is the capital of France?"
    plain, noisy = (
        ask(client, question, model=model)["choices"][0]["message"]["content"] for model in (MODEL, "noise")
    )
    assert noisy != plain
    with live.client() as console:
        assert console.delete(path).status_code == 204


def test_a_killed_engine_is_started_anew(live: LiveServer, client: httpx.Client) -> None:
    before = marked(ORGANS)
    largest = max(before, key=lambda one: one.memory_info().rss)
    largest.kill()
    until(lambda: state(live)["starts"] == 2, seconds=60)
    until(lambda: state(live)["state"] == "running", seconds=600)
    assert [one for one in before if one.is_running()] == []
    assert "Paris" in ask(client, "What is the capital of France?")["choices"][0]["message"]["content"]


def test_nothing_is_left_when_it_is_stopped_or_llmflow_is_killed(live: LiveServer) -> None:
    organs(live, "stop", "vllm")
    assert marked(ORGANS) == []
    organs(live, "start", "vllm", "--set", "model=random-llama", "--set", "arguments=--enforce-eager")
    tree = psutil.Process(live.process.pid).children(recursive=True)
    assert len(tree) > 3
    live.kill()
    assert psutil.wait_procs(tree, timeout=30)[1] == []
    assert marked(ORGANS) == []
