"""What of a conversation is told again: as much as the model has room for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from llmflow.errors import OrganError
from llmflow.ports.llm import Message, ModelInfo
from llmflow.workflow.context import Outside
from tests.workflow.graphs import node, outputs_of
from tests.workflow.outside import FAKES, Model, messages, remembering

TURNS = [Message(role, f"{role} {n} " + "말 " * 40) for n in range(6) for role in ("user", "assistant")]


def around(model: Model, tokens: int | None, counted: list[str] | None = None) -> Outside:
    async def info(name: str) -> ModelInfo:
        if tokens is None:
            raise OrganError("nobody is there")
        return ModelInfo(id=name or "default", context_tokens=tokens)

    async def count(text: str, name: str) -> int:
        if counted is not None:
            counted.append(name)
        return len(text.split())

    return replace(FAKES, chat=model, history=remembering(*TURNS), model=info, count_tokens=count)


async def asked(tokens: int | None, *, counted: list[str] | None = None, **params: Any) -> list[tuple[str, Any]]:
    model = Model("네")
    tested = node(
        "m",
        "llm",
        model={"name": "small", "completion_params": params},
        prompt_template=[{"role": "system", "text": "짧게 답해라."}],
        memory={"window": {"enabled": False}},
    )
    await outputs_of(tested, outside=around(model, tokens, counted), system={"query": "또?"})
    return list(messages(model.asked[0]))


def turns_of(said: Sequence[tuple[str, Any]]) -> list[str]:
    return [text.split(" 말")[0] for _, text in said[1:-1]]


async def test_all_is_told_where_there_is_room(tokens: int = 100_000) -> None:
    counted: list[str] = []
    said = await asked(tokens, counted=counted)
    assert len(turns_of(said)) == 12
    assert counted == []  # its bytes fit, so nothing was counted


@pytest.mark.parametrize(
    ("tokens", "answer", "kept"),
    [
        (200 + 2 * 50 + 30, 200, ["user 5", "assistant 5"]),
        (200 + 4 * 50 + 30, 200, ["user 4", "assistant 4", "user 5", "assistant 5"]),
        (200 + 3 * 50 + 30, 200, ["user 5", "assistant 5"]),  # an answer is not told without its question
        (200 + 30, 200, []),
        (100, 200, []),
    ],
)
async def test_the_oldest_turns_go_first(tokens: int, answer: int, kept: list[str]) -> None:
    counted: list[str] = []
    said = await asked(tokens, counted=counted, max_tokens=answer)
    assert turns_of(said) == kept
    assert (said[0][0], said[-1]) == ("system", ("user", "또?"))
    assert set(counted) == {"small"}


async def test_room_is_kept_for_an_answer_that_nobody_bounded() -> None:
    assert 0 < len(turns_of(await asked(400))) < len(turns_of(await asked(400, max_tokens=1)))


async def test_a_model_that_nobody_knows_is_told_everything() -> None:
    assert len(turns_of(await asked(None))) == 12
