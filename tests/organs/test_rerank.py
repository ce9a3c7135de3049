"""The contract of ports/rerank.py over its adapters, and TEI's protocol."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from llmflow.errors import OrganError, TooMany
from llmflow.net.client import HttpClient
from llmflow.organs.embedding.tei import TeiEmbedding
from llmflow.organs.rerank.cohere import CohereRerank
from llmflow.organs.rerank.none import NoRerank
from llmflow.organs.rerank.overlap import OverlapRerank
from llmflow.organs.rerank.tei import TeiRerank
from llmflow.ports.rerank import Rerank
from tests import upstream as up

KEY = "tei-secret"
INFO = {"model_id": "bge-reranker", "version": "1.8", "max_client_batch_size": 3, "max_input_length": 99}
TEXTS = ["급여는 매달 25일", "연차 휴가는 15일", "점심", "휴가", "연차 휴가 규정"]


def _score(query: str, text: str) -> float:
    words = set(query.split())
    return len(words & set(re.findall(r"\w+", text))) / len(words)


def _tei(*, least: int = 3) -> up.Act:
    """POST /rerank and /embed as TEI documents them: bare arrays, a batch limit."""

    async def act(request: up.Received, writer: asyncio.StreamWriter) -> None:
        body = request.body
        texts = body.get("texts") or body["inputs"]
        if len(texts) > least:
            told = {
                "error": f"batch size {len(texts)} > maximum allowed batch size {least}",
                "error_type": "Validation",
            }
            await up.answers(told, 413)(request, writer)
        elif request.path == "/rerank":
            ranked = [{"index": i, "score": _score(body["query"], text)} for i, text in enumerate(texts)]
            await up.answers(sorted(ranked, key=lambda one: -float(one["score"])))(request, writer)
        else:
            await up.answers([[float(len(text)), 1.0, 0.0] for text in texts])(request, writer)

    return act


async def _cohere(request: up.Received, writer: asyncio.StreamWriter) -> None:
    if request.path != "/rerank":  # as Infinity has it
        await up.answers({"detail": "Not Found"}, 404)(request, writer)
        return
    body = request.body
    found = [{"index": i, "relevance_score": _score(body["query"], text)} for i, text in enumerate(body["documents"])]
    await up.answers({"results": found, "model": body["model"]})(request, writer)


@pytest.fixture
async def server() -> AsyncIterator[up.Upstream]:
    async with up.upstream(routes={"/info": up.answers(INFO)}) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    made = HttpClient()
    yield made
    await made.close()


def _made(kind: str, server: up.Upstream, http: HttpClient) -> Rerank:
    if kind == "tei":
        server.default = _tei()
        return TeiRerank(url=server.url, http=http, api_key=KEY, timeout_s=5)
    if kind == "cohere":
        server.default = _cohere
        return CohereRerank(url=server.url, model="bge", http=http, api_key=KEY, batch=2, timeout_s=5)
    return OverlapRerank()


@pytest.mark.parametrize("kind", ["tei", "cohere", "overlap"])
async def test_the_best_come_first_and_more_than_a_server_takes_at_once(
    kind: str, server: up.Upstream, http: HttpClient
) -> None:
    rerank = _made(kind, server, http)
    assert await rerank.model()
    found = await rerank.rerank("연차 휴가", TEXTS)
    assert found[0].index == 4
    assert sorted(one.index for one in found) == [0, 1, 2, 3, 4]
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert [one.index for one in await rerank.rerank("연차 휴가", TEXTS, top_n=1)] == [4]
    assert await rerank.rerank("연차", []) == []
    assert (await rerank.health()).ok
    await rerank.close()


@pytest.mark.parametrize("kind", ["tei", "cohere"])
@pytest.mark.parametrize(
    ("act", "error", "code"),
    [
        (up.refuses(401), OrganError, "model_key_wrong"),
        (up.refuses(424, f"inference failed {KEY}"), OrganError, "model_failed"),
        (up.refuses(422, "too long"), OrganError, "model_failed"),
        (up.refuses(429, "Model is overloaded"), TooMany, "too_many_requests"),
        (up.answers([{"index": 7, "score": 1.0}]), OrganError, "model_failed"),
        (up.answers(b"<html>"), OrganError, "model_failed"),
        (up.resets(), OrganError, "organ_unavailable"),
    ],
    ids=range(7),
)
async def test_faults_have_their_codes(
    kind: str, act: up.Act, error: type[Exception], code: str, server: up.Upstream, http: HttpClient
) -> None:
    rerank = _made(kind, server, http)
    server.default = act
    with pytest.raises(error) as caught:
        await rerank.rerank("q", ["a"])
    assert caught.value.code == code  # type: ignore[attr-defined]
    assert KEY not in str(caught.value)
    assert not (await rerank.health()).ok


async def test_a_tei_that_takes_fewer_than_it_says_is_served_all_the_same(
    server: up.Upstream, http: HttpClient
) -> None:
    rerank = _made("tei", server, http)
    server.default = _tei(least=1)
    assert len(await rerank.rerank("연차", TEXTS)) == 5


async def test_without_a_reranker_whoever_asks_is_told() -> None:
    assert await NoRerank().model() == ""
    assert (await NoRerank().health()).ok
    with pytest.raises(OrganError) as caught:
        await NoRerank().rerank("q", ["a"])
    assert caught.value.code == "rerank_missing"


async def test_tei_embeds_in_its_own_batches_to_unit_vectors(server: up.Upstream, http: HttpClient) -> None:
    server.default = _tei(least=2)
    tei = TeiEmbedding(url=server.url, http=http, query_prompt="query", timeout_s=5)
    assert (await tei.embed([], "query")).shape == (0, 0)
    assert (tei.model, tei.max_tokens) == ("bge-reranker", 99)
    rows = await tei.embed(TEXTS, "query")
    assert rows.shape == (5, 3)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1)
    assert rows[0, 0] / rows[0, 1] == pytest.approx(len(TEXTS[0]))
    sent: dict[str, Any] = server.seen[-1].body
    assert (sent["prompt_name"], sent["truncate"], sent["normalize"]) == ("query", True, True)


async def test_an_overloaded_tei_is_asked_again_and_a_broken_one_is_told(server: up.Upstream, http: HttpClient) -> None:
    server.default = _tei()
    server.does = [up.refuses(429, "overloaded", retry_after="0")]
    tei = TeiEmbedding(url=server.url, http=http, timeout_s=5)
    assert (await tei.embed(["가"], "passage")).shape == (1, 3)
    for act in (
        up.refuses(424, "inference failed"),
        up.answers([[0.0, 0.0]]),
        up.answers([[1.0], [2.0]]),
        up.answers({}),
    ):
        server.default = act
        with pytest.raises(OrganError) as caught:
            await tei.embed(["가"], "passage")
        assert caught.value.code == "model_failed"
    assert not (await tei.health()).ok
