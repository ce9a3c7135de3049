"""OpenAI's operations under /v1."""

from __future__ import annotations

from starlette.routing import Route

from llmflow.api.routes.openai import audio, chat, completions, embeddings, later, models, rerank, responses
from llmflow.wiring import Platform


def routes(platform: Platform) -> list[Route]:
    rooms = (chat, responses, completions, embeddings, rerank, audio, models, later)
    return [route for room in rooms for route in room.routes(platform)]
