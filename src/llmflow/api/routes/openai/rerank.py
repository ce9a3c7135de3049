"""POST /v1/rerank in Cohere's and Jina's shape: the rerank organ, or a model whose server knows /rerank."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.access.types import Caller
from llmflow.api.routes.openai import wire
from llmflow.api.sse import until_gone
from llmflow.errors import UsageError
from llmflow.gateway.asked import asked_of
from llmflow.store.ids import new_id
from llmflow.wiring import Platform

_MOST_DOCUMENTS = 1000


class _Body(msgspec.Struct):
    query: str
    documents: list[str | dict[str, Any]]
    model: str = ""
    top_n: int | None = None
    return_documents: bool = False


def routes(platform: Platform) -> list[Route]:
    return [wire.operation(platform, "/rerank", "POST", _rerank)]


async def _rerank(request: Request, platform: Platform, caller: Caller) -> Response:
    raw = await request.body()
    body = _read(raw)
    name = await until_gone(request, platform.gateway.rerank_model())
    if body.model not in ("", "default", name):
        return wire.json_bytes(await until_gone(request, platform.relay.pass_on("rerank", "/rerank", asked_of(raw))))
    texts = [one if isinstance(one, str) else str(one.get("text") or "") for one in body.documents]
    ranked = await until_gone(request, platform.gateway.rerank(body.query, texts, top_n=body.top_n))
    results: list[dict[str, Any]] = [{"index": one.index, "relevance_score": one.score} for one in ranked]
    if body.return_documents:
        for result in results:
            result["document"] = {"text": texts[result["index"]]}
    return wire.answer({"id": f"rerank-{new_id()}", "object": "list", "model": name, "results": results})


def _read(raw: bytes) -> _Body:
    try:
        body = msgspec.json.decode(raw, type=_Body)
    except msgspec.ValidationError as error:
        at = str(error).rpartition("`$.")[2].rstrip("`").partition(".")[0].partition("[")[0] or None
        raise UsageError(f"The request is wrong: {error}.", param=at) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The body is not a JSON object: {error}.", code="invalid_json") from error
    if not body.documents or len(body.documents) > _MOST_DOCUMENTS:
        raise UsageError(f"`documents` holds between 1 and {_MOST_DOCUMENTS} texts.", param="documents")
    if body.top_n is not None and body.top_n < 1:
        raise UsageError("`top_n` is 1 or more.", param="top_n")
    return body
