"""Reading DSL text: as Dify's YAML reader understands it, and nothing a hostile file can do."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from llmflow.config.tree import MAX_DEPTH, MAX_VALUES
from llmflow.errors import LLMFlowError, TooLarge, UsageError
from llmflow.workflow.dsl.read import read
from llmflow.workflow.dsl.write import write
from tests.workflow.dsl.files import ALL, tree_of


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_file_is_read_as_the_usual_reader_reads_it(path: Path) -> None:
    assert tree_of(path.read_bytes()) == yaml.safe_load(path.read_bytes())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 12:30:45", 45045),  # YAML 1.1 counts in sixties, and so does Dify
        ("a: yes", True),
        ("a: '012'", "012"),
        ("a: 012", 10),
        ("a: ~", None),
        ("a: 1_000", 1000),
        ("a: 2024-01-01", "2024-01-01"),
        ("a: .inf", ".inf"),
        ("a: .NaN", ".NaN"),
        ("a: 123456789012345678901234567890", "123456789012345678901234567890"),
        ("a: !!binary aGVsbG8=", "aGVsbG8="),
        ("a: !!int abc", "abc"),
        ("a: !!bool abc", "abc"),
        ("a: !!python/object/apply:os.system [id]", ["id"]),
        ("a: !foreign 3", "3"),
        ("a: 한국어 🤖", "한국어 🤖"),
        ("a: &x {b: 1}\nc: *x", {"b": 1}),
        ("base: &x {b: 1, c: 2}\na: {<<: *x, b: 3}", {"b": 3, "c": 2}),
        ("x: &x {b: 1}\ny: &y {b: 2, c: 3}\na: {<<: [*x, *y]}", {"b": 1, "c": 3}),
        ("a: 1\na: 2", 2),
        ("a: {1: x, true: y, null: z, 1.5: w}", {"1": "x", "true": "y", "null": "z", "1.5": "w"}),
        ("a: |\n  line\n  줄\n", "line\n줄\n"),
    ],
)
def test_values_are_what_json_can_hold(text: str, value: Any) -> None:
    assert tree_of(text)["a"] == value


def test_a_byte_order_mark_and_utf_16_are_read() -> None:
    assert tree_of("a: 한글".encode("utf-8-sig")) == {"a": "한글"}
    assert tree_of("a: 한글".encode("utf-16")) == {"a": "한글"}
    assert tree_of("\ufeffa: 한글") == {"a": "한글"}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", "Line 3, column 2: "),
        ("a:\n\t- 1\n", "Line 2, column 1: "),
        ("a: 1\nb: *nowhere\n", "Line 2, column 4: nothing is named &nowhere"),
        ("a: &x [*x]", "nothing is named &x"),
        ("a: 1\n---\nb: 2\n", "Line 2, column 1: a second document"),
        ("? [1, 2]\n: 3\n", "Line 1, column 3: a key must be a word"),
        ("a: {<<: 3}", "`<<` takes in mappings only"),
        ("a: \x00", "control characters are not allowed"),
        ('a: "\\ud800"', "Line 1, column 7: "),
        (b"a: 1\nb: \xff\xfa\n", "Line 2: the file is not UTF-8 text"),
        ("- 1\n- 2\n", "its top must be keys with values"),
        ("", "its top must be keys with values"),
        ("just words", "its top must be keys with values"),
    ],
)
def test_what_is_no_dsl_is_refused_with_its_place(content: str | bytes, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        tree_of(content)
    assert caught.value.code == "dsl_unreadable"
    assert where in caught.value.message


def test_a_billion_laughs_are_refused() -> None:
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 30)]
    with pytest.raises(TooLarge, match=f"more than {MAX_VALUES} values"):
        tree_of("\n".join(lines))


def test_laughs_in_merged_mappings_are_refused() -> None:
    lines = ["a0: &a0 {k: v}"]
    lines += [f"a{n}: &a{n} {{x{n}: *a{n - 1}, y{n}: *a{n - 1}, <<: *a{n - 1}}}" for n in range(1, 40)]
    with pytest.raises(TooLarge):
        tree_of("\n".join(lines))


def test_a_number_that_takes_hours_to_build_stays_text() -> None:
    endless = "1" + ":59" * 500_000  # base 60, as YAML 1.1 has it
    began = time.process_time()
    assert read(f"a: {endless}\nb: 1:30", max_bytes=1 << 22) == {"a": endless, "b": 90}
    assert time.process_time() - began < 20  # minutes, were it built


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_deep_nesting_is_refused(pair: str) -> None:
    inner = "a: " if pair == "{}" else ""
    assert tree_of("x: " + "[" * (MAX_DEPTH - 1) + "]" * (MAX_DEPTH - 1))
    with pytest.raises(TooLarge, match="deep"):
        tree_of("x: " + (pair[0] + inner) * 100_000)


def test_depth_behind_aliases_counts() -> None:
    lines = ["a0: &a0 [1]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, MAX_DEPTH + 10)]
    with pytest.raises(TooLarge, match="deep"):
        tree_of("\n".join(lines))


def test_a_file_over_the_limit_is_not_parsed() -> None:
    with pytest.raises(TooLarge) as caught:
        read(b"a: [" + b"1," * 100, max_bytes=100)
    assert caught.value.code == "dsl_too_large"


_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(_texts, _values, max_size=6))
def test_whatever_json_holds_survives_writing_and_reading(tree: dict[str, Any]) -> None:
    written = write(tree)
    assert tree_of(written) == tree
    assert yaml.safe_load(written) == tree


@given(st.binary(max_size=300) | st.text(max_size=300) | st.text("{}[]&*<!|>:-?, \n\t'\"ab1#%@", max_size=200))
def test_whatever_comes_is_read_or_refused_with_a_code(content: str | bytes) -> None:
    try:
        assert isinstance(tree_of(content), dict)
    except LLMFlowError as error:
        assert error.code in ("dsl_unreadable", "dsl_too_large")
