"""OpenAI's format: events cut anywhere, chunks in any dialect, errors in any shape."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmflow.errors import LLMFlowError, OrganError, UsageError
from llmflow.organs.llm.wire import MAX_EVENT_BYTES, Answer, SseParser, chat_body, error_text, failure
from llmflow.ports.llm import ChatDelta, ChatRequest, Message, TokenUsage

BODY = (
    ": ping\n\n"
    "event: message\nid: 7\n"
    'data: {"choices":[{"index":0,"delta":{"content":"안녕"}}]}\n\n'
    "retry: 3000\n"
    "data: two\ndata: lines\n\n"
    "data:no space\n\n"
    ":\n\n"
    "data\n\n"
    "data: [DONE]\n\n"
)
EVENTS = ['{"choices":[{"index":0,"delta":{"content":"안녕"}}]}', "two\nlines", "no space", "[DONE]"]


def parsed(pieces: list[bytes]) -> list[str]:
    parser = SseParser()
    found = [event for piece in pieces for event in parser.feed(piece)]
    return [event.decode() for event in [*found, *parser.end()]]


@given(st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 300)), st.booleans(), st.integers(0, 2))
def test_events_are_whole_wherever_the_bytes_are_cut(end: str, cuts: list[int], bom: bool, missing_ends: int) -> None:
    text = BODY[: len(BODY) - missing_ends].replace("\n", end)
    data = (b"\xef\xbb\xbf" if bom else b"") + text.encode()
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    assert parsed([data[a:b] for a, b in pairwise(edges)]) == EVENTS


@given(st.binary(max_size=2000), st.integers(1, 50))
def test_garbage_never_crashes_the_parser(data: bytes, size: int) -> None:
    parsed_whole, parsed_cut = SseParser(), SseParser()
    whole = [*parsed_whole.feed(data), *parsed_whole.end()]
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    cut = [event for piece in pieces for event in parsed_cut.feed(piece)]
    assert [*cut, *parsed_cut.end()] == whole


def test_an_endless_event_is_refused() -> None:
    parser = SseParser()
    with pytest.raises(OrganError, match="one event"):
        for _ in range(MAX_EVENT_BYTES // 65536 + 2):
            parser.feed(b"x" * 65536)
    parser = SseParser()
    with pytest.raises(OrganError, match="one event"):
        for _ in range(MAX_EVENT_BYTES // 65536 + 2):
            parser.feed(b"data: " + b"x" * 65536 + b"\n")


@given(
    st.binary(max_size=300)
    | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_a_chunk_of_garbage_is_an_error_of_ours_or_nothing(data: bytes) -> None:
    try:
        assert Answer().take(data) == []
    except LLMFlowError as error:
        assert error.code in ("model_failed", "context_too_long")


def deltas_of(*chunks: Any) -> list[ChatDelta]:
    answer = Answer()
    return [*(d for chunk in chunks for d in answer.take(json.dumps(chunk).encode())), answer.end()]


def part(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def test_reasoning_is_kept_apart_under_both_of_its_names() -> None:
    deltas = deltas_of(part(reasoning_content="hm"), part(reasoning="m"), part(content="yes"), part("stop"))
    assert [(delta.reasoning, delta.text) for delta in deltas] == [("hm", ""), ("m", ""), ("", "yes"), ("", "")]


def test_tool_call_deltas_are_handed_on_and_name_the_reason() -> None:
    first = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    second = {"index": 0, "function": {"arguments": '{"city": "서울"}'}}
    deltas = deltas_of(part(tool_calls=[first]), part(tool_calls=[second]), part("stop"))
    assert [delta.tool_calls for delta in deltas] == [[first], [second], None]
    assert deltas[-1].finish_reason == "tool_calls"


def test_an_answer_that_is_not_streamed_becomes_deltas() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    message = {"role": "assistant", "content": "네", "tool_calls": [call]}
    whole = {
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }
    first, last = deltas_of(whole)
    assert (first.text, first.tool_calls) == ("네", [{"index": 0, **call}])
    assert (last.finish_reason, last.usage) == ("tool_calls", TokenUsage(3, 2))


def test_usage_in_every_chunk_counts_once_and_the_last_wins() -> None:
    usages = [{"usage": {"prompt_tokens": 5, "completion_tokens": n}} for n in (1, 2, 3)]
    deltas = deltas_of(*(part(content="x") | usage for usage in usages), part("stop"))
    assert [delta.usage for delta in deltas] == [None, None, None, TokenUsage(5, 3)]


def test_usage_before_the_end_and_null_fields_are_read() -> None:
    deltas = deltas_of(
        {"choices": [], "usage": None},
        {"choices": None, "usage": {"prompt_tokens": 1, "completion_tokens": None}},
        part("length", content=None, tool_calls=None),
    )
    assert deltas == [ChatDelta(finish_reason="length", usage=TokenUsage(1, 0))]


def test_only_the_first_choice_is_the_answer() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}]}
    assert deltas_of(other, part("stop", content="mine"))[0].text == "mine"


def test_done_without_a_reason_is_a_stop_and_neither_is_an_early_end() -> None:
    answer = Answer()
    answer.take(b"[DONE]")
    assert answer.end().finish_reason == "stop"
    with pytest.raises(OrganError, match="ended early"):
        Answer().end()


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_an_answer_the_server_broke_off_is_an_error(reason: str) -> None:
    with pytest.raises(OrganError, match="broke off"):
        deltas_of(part(reason))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": {"message": "no\n such  thing", "type": "x"}}, "no such thing"),
        ({"error": "model 'x' not found"}, "model 'x' not found"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"object": "error", "message": "bad", "code": 400}, "bad"),
        ({"detail": [{"loc": ["body"], "msg": "Field required"}]}, '[{"loc":["body"],"msg":"Field required"}]'),
        (b"<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"", ""),
    ],
)
def test_a_servers_own_message_is_found_in_every_shape(body: Any, text: str) -> None:
    assert error_text(body) == text
    if not isinstance(body, bytes):
        assert error_text(json.dumps(body).encode()) == text


def test_a_very_long_message_is_cut() -> None:
    assert len(error_text(b"x" * 100_000)) == 501


def test_an_error_in_the_stream_is_told_in_the_servers_words() -> None:
    with pytest.raises(OrganError, match="CUDA out of memory") as caught:
        deltas_of(part(content="a"), {"error": {"message": "CUDA out of memory", "code": 500}})
    assert caught.value.code == "model_failed"
    assert isinstance(failure("maximum context length is 10 tokens"), UsageError)


def test_the_body_carries_options_but_they_do_not_change_what_is_asked() -> None:
    request = ChatRequest(
        (Message("system", "짧게"), Message("user", [{"type": "text", "text": "hi"}])),
        temperature=0.0,
        max_tokens=7,
        stop=("\n",),
        options={"seed": 1, "stream": False, "model": "other", "response_format": {"type": "json_object"}},
    )
    assert chat_body(request, "mine") == {
        "model": "mine",
        "messages": [
            {"role": "system", "content": "짧게"},
            {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0.0,
        "max_tokens": 7,
        "stop": ["\n"],
        "seed": 1,
        "response_format": {"type": "json_object"},
    }
