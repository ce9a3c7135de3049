"""The calculator: what it calculates, and what it does not."""

from __future__ import annotations

import pytest

from llmflow.errors import NodeFailed
from llmflow.tools.kit import Kit
from llmflow.tools.types import ToolRef


async def value(expression: str) -> str:
    ready = await Kit().find(ToolRef("builtin", "maths", "eval_expression"))
    return (await ready.call({"expression": expression})).text


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("1 + 2 * 3", "7"),
        ("(3 + 4) * sqrt(16)", "28.0"),
        ("2 ^ 10", "1024"),
        ("7 // 2 + 7 % 2", "4"),
        ("6 ÷ 4 × 2 − 1", "2.0"),
        ("-2 ** 2", "-4"),
        ("round(10 / 3, 2)", "3.33"),
        ("round(5, -1000000000)", "0.0"),
        ("max(1, 2, 3) - min(4, 5)", "-1"),
        ("floor(pi) < 4", "True"),
        ("10 ** 400 / 10 ** 399", "10.0"),
    ],
)
async def test_an_expression_is_calculated(expression: str, answer: str) -> None:
    assert await value(expression) == answer


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "1 +",
        "1 / 0",
        "(-1) ** 0.5",
        "sqrt(-1)",
        "삼 + 사",
        "9 ** 9 ** 9",
        "2 ** 100000",
        "10 ** 1000 * 10 ** 1000",
        "'a' * 1000000000",
        "__import__('os').system('id')",
        "().__class__.__base__.__subclasses__()",
        "(lambda: 1)()",
        "[x for x in (1, 2)]",
        "max(key=1)",
        "sqrt",
        "(" * 500 + ")" * 500,
        "-" * 999 + "1",
        "1" * 1001,
    ],
)
async def test_anything_else_is_refused(expression: str) -> None:
    with pytest.raises(NodeFailed) as caught:
        await value(expression)
    assert (caught.value.code, caught.value.param) == ("tool_input_invalid", "expression")
