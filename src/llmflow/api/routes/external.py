"""/retrieval: Dify's External Knowledge API, served: a Dify asks our knowledge bases as knowledge of its own.

Dify tries an address by a request without a body; it takes anything but 403, 404 and 502 as a yes. So a wrong key is
403 and an empty body 400.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from llmflow.api import auth
from llmflow.api.errors import known
from llmflow.errors import Forbidden, LLMFlowError, NotFound, Unauthorized, UsageError
from llmflow.knowledge.conditions import Conditions, read_conditions
from llmflow.knowledge.fields import values_of
from llmflow.knowledge.rule import MOST, kept_rule
from llmflow.knowledge.types import Found, KnowledgeBase
from llmflow.wiring import Platform

_decoder = msgspec.json.Decoder(dict[str, Any])
_NO_KEY, _WRONG_KEY, _NO_KNOWLEDGE = 1001, 1002, 2001


class RetrievalSetting(msgspec.Struct, frozen=True):
    """`score_threshold`: 0 and null are none."""

    top_k: int | None = None
    score_threshold: float | None = None


class RetrievalRequest(msgspec.Struct, frozen=True):
    """`knowledge_id`: id or name of a knowledge base."""

    knowledge_id: str
    query: str
    retrieval_setting: RetrievalSetting | None = None
    metadata_condition: dict[str, Any] | None = None


def external_routes(platform: Platform) -> list[Route]:
    async def endpoint(request: Request) -> Response:
        try:
            return await _retrieve(platform, request)
        except (LLMFlowError, ClientDisconnect) as error:
            return _refused(known(error, request))

    return [Route("/retrieval", endpoint, methods=["POST"])]


async def _retrieve(platform: Platform, request: Request) -> Response:
    caller = await auth.caller(request, ("dataset",), platform=platform)
    wanted = _read(await request.body())
    base = await platform.knowledge.bases.get(caller.workspace_id, wanted.knowledge_id)
    if base.is_external:  # which may be this one, asked without end
        raise UsageError(f"`{base.name}` is another server's knowledge; that server is to be asked.")
    setting = wanted.retrieval_setting or RetrievalSetting()
    rule = kept_rule(base.retrieval)
    if setting.top_k is not None:
        rule = dataclasses.replace(rule, top_k=min(MOST, max(1, setting.top_k)))
    if setting.score_threshold:
        rule = dataclasses.replace(rule, threshold=setting.score_threshold)
    searched = await platform.knowledge.retriever.search([base], wanted.query, rule, conditions=_conditions(wanted))
    records = await _records(platform, base, searched.found)
    return _answer({"records": records})


async def _records(platform: Platform, base: KnowledgeBase, found: Sequence[Found]) -> list[dict[str, Any]]:
    """`score`: 0..1, higher is nearer."""
    documents = {d.id: d for d in await platform.knowledge.documents.by_ids(base, [hit.document_id for hit in found])}
    fields = await platform.knowledge.fields.all(base)
    records = []
    for hit in found:
        document = documents.get(hit.document_id)
        if document is None:  # it was deleted a moment ago
            continue
        told = {value.field.name: value.value for value in values_of(document, fields)}
        told |= {"document_id": hit.document_id, "segment_id": hit.chunk_id, "dataset_id": base.id, "page": hit.page}
        records.append(
            {"content": _content(hit), "score": _score(hit.score, hit), "title": hit.document, "metadata": told}
        )
    return records


def _content(hit: Found) -> str:
    return hit.text if hit.answer is None else f"{hit.text}\n{hit.answer}"


def _score(score: float, hit: Found) -> float:
    """Within 0..1: BM25, which has no end, is pressed into it, and a cosine below nothing is nothing."""
    if hit.scores.rerank is None and hit.scores.dense is None and score > 0:
        return score / (1 + score)
    return min(1.0, max(0.0, score))


def _read(raw: bytes) -> RetrievalRequest:
    """Raises UsageError, also for nothing at all, which is how Dify tries an address."""
    if not raw.strip():
        raise UsageError("The request has no body.")
    try:
        return msgspec.convert(_decoder.decode(raw), RetrievalRequest)
    except (msgspec.ValidationError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The body is not a request for retrieval: {error}") from error


def _conditions(wanted: RetrievalRequest) -> Conditions | None:
    """Dify's documentation has several names in one condition, its requests have one: each is a condition."""
    given = wanted.metadata_condition
    if given is None or not isinstance(given.get("conditions"), list):
        return read_conditions(given)
    single = []
    for condition in given["conditions"]:
        names = condition.get("name") if isinstance(condition, dict) else None
        single += [{**condition, "name": name} for name in names] if isinstance(names, list) else [condition]
    return read_conditions({**given, "conditions": single})


def _refused(error: LLMFlowError) -> Response:
    """Every fault of a key is 403, which is what Dify looks for."""
    status, code = error.status, error.status
    if isinstance(error, Unauthorized | Forbidden):
        status = 403
        code = _NO_KEY if error.code == "unauthorized" and "header" in error.message else _WRONG_KEY
    elif isinstance(error, NotFound):
        code = _NO_KNOWLEDGE
    return _answer({"error_code": code, "error_msg": error.message}, status=status)


def _answer(content: object, *, status: int = 200) -> Response:
    return Response(msgspec.json.encode(content), status_code=status, media_type="application/json")
