"""Recipes that install nothing and run `fake_server.py`: the whole mechanism in a second."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from llmflow.managed.recipe import Build, Choice, Model, Recipe

FOLDER = Path(__file__).parent

RECIPE = Recipe(
    name="fake",
    title="Fake",
    version="1.0",
    summary="A fake for tests",
    licence="Apache-2.0",
    homepage="https://example.org",
    ports=("llm",),
    cpu=Build(),
    gpu=None,
    command=("{python}", str(FOLDER / "fake_server.py"), "{port}", "{model_name}", "{arguments}"),
    environ={"FAKE_KEY": "{key}"},
    health="/health",
    start_s=20.0,
    memory_mb=50,
    disk_mb=1,
    models=(Model("fake-1", "{site}", "Repeats the question"),),
    choices=(
        Choice("model", "fake-1", "A model"),
        Choice("arguments", "", "What goes wrong"),
        Choice("context_tokens", 2048, "Context window in tokens", least=256),
    ),
    adapters_option="--adapters",
)
#: Stands where vLLM's recipe would, so that llmflow.yaml can use it.
VLLM = dataclasses.replace(RECIPE, name="vllm", title="vLLM")
