"""Tables, sizes, cuts."""

from __future__ import annotations

import io
import unicodedata

import pytest

from llmflow.cli import show


def test_korean_letters_take_two_columns() -> None:
    assert show.width("한글 ab") == 7
    assert show.width("e\u0301") == 1
    lines = show.table(("NAME", "STATE"), [("휴가 규정", "ready"), ("leave", "failed")]).splitlines()
    columns = [
        show.width(line[: line.index(word)]) for line, word in zip(lines, ("STATE", "ready", "failed"), strict=True)
    ]
    assert columns == [11, 11, 11]


def test_a_cut_text_fits_and_says_that_it_was_cut() -> None:
    assert show.cut("가나다라마", 10) == "가나다라마"
    assert show.cut("가나다라마", 9) == "가나다라…"
    assert show.cut("one\n two", 20) == "one two"


def test_sizes_read_naturally() -> None:
    assert [show.size(n) for n in (0, 999, 1536, 20480, 5 * 1024**2, 3 * 1024**3)] == [
        "0 B",
        "999 B",
        "1.5 KB",
        "20 KB",
        "5.0 MB",
        "3.0 GB",
    ]


def test_colours_are_for_terminals_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert show.coloured("x", "red", io.StringIO()) == "x"
    assert show.coloured("x", "red", Terminal()) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert show.coloured("x", "red", Terminal()) == "x"


def test_korean_written_in_parts_is_as_wide_as_it_looks() -> None:
    assert show.width(unicodedata.normalize("NFD", "휴가 규정")) == show.width("휴가 규정") == 9


def test_a_document_cannot_steer_the_terminal() -> None:
    assert show.plain("연차\x1b[2J는\r 15일\n\t이다\x9b.") == "연차[2J는 15일\n\t이다."
    assert show.cut("a\x1b]0;title\x07b", 40) == "a]0;titleb"
