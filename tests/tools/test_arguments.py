"""Arguments as models and templates give them, fitted to a schema."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.errors import NodeFailed
from llmflow.tools.arguments import fit


@pytest.mark.parametrize(
    ("wanted", "given", "fitted"),
    [
        ({"type": "integer"}, "5", 5),
        ({"type": "integer"}, 5.0, 5),
        ({"type": "number"}, "2.5", 2.5),
        ({"type": "number"}, "7", 7),
        ({"type": "boolean"}, "False", False),
        ({"type": "boolean"}, "1", True),
        ({"type": "object"}, '{"가": 1}', {"가": 1}),
        ({"type": "array"}, "[1, 2]", [1, 2]),
        ({"type": "array"}, 3, [3]),
        ({"type": "string"}, 12, "12"),
        ({"type": "string"}, True, "true"),
        ({"type": "string"}, {"가": 1}, '{"가": 1}'),
        ({"type": ["integer", "null"]}, "4", 4),
        ({"enum": ["가", "나"]}, "나", "나"),
        ({}, {"any": "thing"}, {"any": "thing"}),
    ],
)
def test_a_value_becomes_what_the_schema_asks_for(wanted: dict[str, Any], given: Any, fitted: Any) -> None:
    assert fit({"properties": {"v": wanted}}, {"v": given}) == {"v": fitted}


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ({"type": "integer"}, "다섯"),
        ({"type": "integer"}, 1.5),
        ({"type": "integer"}, True),
        ({"type": "boolean"}, "아마도"),
        ({"type": "object"}, "[1]"),
        ({"type": "object"}, "[" * 100_000),
        ({"type": "string", "enum": ["가"]}, "나"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(wanted: dict[str, Any], given: Any) -> None:
    with pytest.raises(NodeFailed) as caught:
        fit({"properties": {"v": wanted}}, {"v": given})
    assert (caught.value.code, caught.value.param) == ("tool_input_invalid", "v")


def test_what_the_schema_does_not_know_is_left_out_unless_it_takes_more() -> None:
    assert fit({"properties": {"a": {}}}, {"a": 1, "b": 2}) == {"a": 1}
    assert fit({"properties": {"a": {}}, "additionalProperties": True}, {"a": 1, "b": 2}) == {"a": 1, "b": 2}


def test_a_required_parameter_left_empty_takes_its_default_or_is_missed() -> None:
    schema = {"properties": {"a": {"type": "integer", "default": 3}, "b": {"type": "integer"}}, "required": ["a", "b"]}
    assert fit(schema, {"b": "4", "a": ""}) == {"a": 3, "b": 4}
    with pytest.raises(NodeFailed, match="`b` is missing"):
        fit(schema, {"b": " "})
