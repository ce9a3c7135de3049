"""POST /v1/embeddings: the embedding organ, or a model whose server knows /embeddings. `input_type` "query" is ours:
e5 and its like embed questions unlike passages, and OpenAI's API has no word for it."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.sse import until_gone
from llmflow.errors import UsageError
from llmflow.gateway.asked import asked_of
from llmflow.ports.embedding import Role, Vectors
from llmflow.wiring import Platform

_MOST_TEXTS = 2048  # OpenAI's own limit
_ROLES: dict[str, Role] = {"passage": "passage", "query": "query"}
_BYTES_A_TOKEN = 4  # an estimate that holds for Korean and English; the port does not count


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, "/embeddings", "POST", _embed)]


async def _embed(request: Request, platform: Platform, caller: Caller) -> Response:
    body = await wire.body_of(request)
    model = str(body.get("model") or "")
    wire.name_user(str(body.get("user") or ""))
    name = await until_gone(request, platform.gateway.embedding_model())
    if model not in ("", "default", name) and body.get("input"):
        asked = asked_of(await request.body())
        return wire.json_bytes(await until_gone(request, platform.relay.pass_on("embeddings", "/embeddings", asked)))
    texts = wire.texts(body.get("input"), "input")
    if len(texts) > _MOST_TEXTS:
        raise UsageError(f"`input` has {len(texts)} texts; at most {_MOST_TEXTS} are taken at once.", param="input")
    role = _one_of(body, "input_type", _ROLES, "passage")
    as_base64 = _one_of(body, "encoding_format", {"float": False, "base64": True}, "float")
    vectors = await until_gone(request, platform.gateway.embed("", texts, role))
    dimensions = body.get("dimensions")
    if dimensions not in (None, vectors.shape[1]):
        raise UsageError(f"This model has {vectors.shape[1]} dimensions and no other number.", param="dimensions")
    tokens = sum(len(text.encode()) for text in texts) // _BYTES_A_TOKEN
    return wire.answer(
        {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": _encoded(vector, as_base64)}
                for index, vector in enumerate(vectors)
            ],
            "model": name,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
    )


def _one_of(body: dict[str, Any], name: str, known: dict[str, Any], default: str) -> Any:
    given = body.get(name) or default
    if given not in known:
        raise UsageError(f"`{name}` must be one of {', '.join(known)}.", param=name)
    return known[given]


def _encoded(vector: Vectors, as_base64: bool) -> str | list[float]:
    """Floats, or little-endian float32 in base64."""
    if as_base64:
        return base64.b64encode(vector.astype("<f4", copy=False).tobytes()).decode("ascii")
    found: list[float] = np.asarray(vector, np.float64).tolist()
    return found
