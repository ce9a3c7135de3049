"""OpenAI's operations under /v1."""

from __future__ import annotations

from starlette.routing import Route

from llmflow.api.routes.openai import chat, embeddings, later, models
from llmflow.wiring import Platform


def routes(platform: Platform) -> list[Route]:
    return [*chat.routes(platform), *embeddings.routes(platform), *models.routes(platform), *later.routes(platform)]
