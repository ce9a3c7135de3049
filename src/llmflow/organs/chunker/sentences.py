"""Korean and English sentences. The pieces joined are the text: nothing is lost, nothing is trimmed."""

from __future__ import annotations

import re

# Marks are taken whole or not at all: a line of a hundred thousand dots costs one look, not minutes.
_CANDIDATE = re.compile(
    r"""(?<![.!?…])[.!?…]++["'”’»)\]]*+"""
    r"""(?:\s+|(?<=[다요죠까]\.)(?=[가-힣])|(?<=[!?])(?=[가-힣]))"""  # Korean also without a space
    r"""|[。！？]+["'”’」』）)]*\s*"""
    r"""|\n\s*"""
)
_ABBREVIATIONS = frozenset(
    re.split(
        " ",
        "mr mrs ms dr prof sr jr st no nos vs etc e.g i.e cf al fig figs eq sec ch vol p pp ed eds inc ltd co corp dept"
        " est approx min max jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k a.m p.m ph.d",
    )
)
_LAST_WORD = re.compile(r"[A-Za-z][A-Za-z.]*$")
_END = re.compile(r"[.!?…。！？](?:\s|$)")
_NEW_LINE_STARTS = re.compile(
    r"[-*•·▪◦○●□■◇◆※]|[0-9가-힣A-Za-z]{1,2}[.)]\s|\([0-9가-힣A-Za-z]{1,2}\)|제\s?\d+\s?[조항장절]|[①-⑳]"
)


def split(text: str) -> list[str]:
    """Cuts after sentence ends, and at line ends where lines are items or the text has no sentence ends at all."""
    pieces: list[str] = []
    start = 0
    by_line = _is_by_line(text)
    for match in _CANDIDATE.finditer(text):
        end = match.end()
        if end >= len(text):
            break
        if text[match.start()] == "\n":
            good = by_line or _NEW_LINE_STARTS.match(text, end) is not None
        else:
            good = _ends_sentence(text, start, match)
        if good:
            pieces.append(text[start:end])
            start = end
    pieces.append(text[start:])
    return pieces


def _is_by_line(text: str) -> bool:
    """Lines without any sentence's end in them: items, names, verses, not wrapped prose."""
    return "\n" in text and _END.search(text) is None


def _ends_sentence(text: str, start: int, match: re.Match[str]) -> bool:
    mark = match[0][0]
    if mark != ".":
        return True
    before = text[start : match.start()]
    if before.strip().isdigit() or _is_number(before):  # "1. An item", "No. 5"
        return False
    word = _LAST_WORD.search(before[-12:])
    if word is None:
        return True
    last = word[0].lower()
    is_initial = len(last) == 1 and word[0].isupper()
    follower = text[match.end()]
    return not (is_initial or last in _ABBREVIATIONS) and not follower.islower()


def _is_number(before: str) -> bool:
    """A line's own number: digits between the line's start and the point."""
    line = before.rsplit("\n", 1)[-1].strip()
    return line.isdigit() and len(line) <= 3
