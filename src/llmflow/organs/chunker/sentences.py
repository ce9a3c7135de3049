"""Korean and English sentences. The pieces joined are the text: nothing is lost, nothing is trimmed.

Korean ends a sentence by its verb as much as by a point: "시작합니다 자료를 보세요" are two. So polite endings end one
without a mark, plain ones where a text has no marks at all. A point behind a number, an item's letter or "제1조" ends
none. What stands between quotation marks or brackets stays with the sentence it stands in.
"""

from __future__ import annotations

import bisect
import re

from llmflow.organs.chunker.endings import goes_on, is_plain_end, is_polite_end, may_trail_off

# Marks are taken whole or not at all: a line of a hundred thousand dots costs one look, not minutes.
_CLOSING = r"""["'”’»)\]」』〉》]"""
#: Numbers of sources stay with what they are noted at.
_NOTES = r"(?:(?:(?<=[다요까죠]\.)[ ])?\[\d{1,3}\](?::\d+(?:[~–-]\d+)?)?)*+"
#: Korean writes on without a space: behind a verb, and behind a question or an exclamation.
_NEXT = r"""(?=[가-힣A-Z0-9"'“‘「『〈《])"""
_UNSPACED = (
    rf"(?<=[다요까죠네지군라자냐음함됨임듯김짐]\.){_NEXT}|(?<=[가-힣.][!?]){_NEXT}|(?<=[가-힣]\.\.){_NEXT}"
    rf"|(?<=[가-힣]\.\.\.){_NEXT}|(?<=\.\[\d\]){_NEXT}|(?<=\.\[\d\d\]){_NEXT}"
)
_CANDIDATE = re.compile(
    rf"""(?P<mark>(?<![.!?…])[.!?…]++{_CLOSING}*+){_NOTES}(?:\s+|{_UNSPACED})"""
    r"""|(?P<wide>[。！？]+["'”’」』）)]*)\s*"""
    r"""|(?P<line>\n)\s*"""
    r"""|(?P<verb>(?<=[다까요죠])(?:[ ]?(?:[ㅋㅎㅠㅜ]{1,20}|\^\^|~{1,9}|[:;]\)))?[^\S\n]+)"""
)
#: What is quoted or in brackets, with no line's end in it and short enough to be one.
_ENCLOSED = re.compile(
    r"“[^“”\n]{1,300}”|‘[^‘’\n]{1,300}’|「[^「」\n]{1,300}」|『[^『』\n]{1,300}』|《[^《》\n]{1,300}》|〈[^〈〉\n]{1,300}〉"
    r"""|(?<![^\s(\[,])"[^"“”\n]{1,300}["”]|(?<![^\s(\[,])'[^'\n]{1,300}'(?!\w)"""
    r"|\((?:[^()\n]{1,300}+|\([^()\n]{0,300}+\)){1,20}+\)|\[[^\[\]\n]{1,300}\]"
)
_ABBREVIATIONS = frozenset(
    re.split(
        " ",
        "mr mrs ms dr prof sr jr st no nos vs etc e.g i.e cf al fig figs eq sec ch vol p pp ed eds inc ltd co corp dept"
        " est approx min max jan feb mar apr jun jul aug sep sept oct nov dec u.s u.k a.m p.m ph.d",
    )
)
_LAST_WORD = re.compile(r"[A-Za-z][A-Za-z.]*$")
_LOOK = 24  # characters before a mark that are looked at; no label is longer
_END = re.compile(r"[.!?…。！？](?:\s|$)")
_NEW_LINE_STARTS = re.compile(
    r"[-*•·▪◦○●□■◇◆※]|[0-9가-힣A-Za-z]{1,2}[.)]\s|\([0-9가-힣A-Za-z]{1,2}\)|제\s?\d+\s?[조항장절관편]|[①-⑳]"
)
_LETTERS = "가나다라마바사아자차카타파하"
#: The number of a line or an item, which has a point of its own.
_LABEL = re.compile(rf"\(?(?:\d{{1,3}}(?:[.-]\d{{1,3}})*|[{_LETTERS}]|[IVXivx]{{1,4}}|제\s?\d+\s?[조항장절관편호])\)?")
_FIRST = re.compile(r"\s*(\d{1,3})\.\s")
_NUMBER = re.compile(r"(?<=\s)(\d{1,3})\Z")
_LETTERED = re.compile(rf"\s*[{_LETTERS}]\.\s")  # "가. 목적 나. 내용": further letters are items too
_DATE = re.compile(r"(?<!\d)\d{2,4}\.\s?\d{1,2}(?:\.\s?\d{1,2})?$")
_YEAR = re.compile(r"(?<!\d)(?:19|20)?\d\d$")
_MONTH = re.compile(r"\d{1,2}\.(?:\s|$)")


def split(text: str) -> list[str]:
    """Cuts after sentence ends, and at line ends where lines are items or the text has no sentence ends at all."""
    pieces: list[str] = []
    start = 0
    has_marks = _END.search(text) is not None
    enclosed = [match.span() for match in _ENCLOSED.finditer(text)]
    for match in _CANDIDATE.finditer(text):
        end = match.end()
        if end >= len(text):
            break
        if _is_inside(enclosed, match):
            continue
        if match["line"]:
            # lines without any mark in them are items, names, verses, not wrapped prose
            good = not has_marks or _NEW_LINE_STARTS.match(text, end) is not None or _line_ends(text, start, match)
        elif match["verb"]:
            good = _verb_ends(text, start, match, has_marks=has_marks)
        elif item := _next_item(text, start, match):
            good, end = True, item
        else:
            good = match["wide"] is not None or _mark_ends(text, start, match)
        if good:
            pieces.append(text[start:end])
            start = end
    pieces.append(text[start:])
    return pieces


def _is_inside(enclosed: list[tuple[int, int]], match: re.Match[str]) -> bool:
    """Whether it ends something within quotation marks or brackets, not with them."""
    until = match.end("mark") if match["mark"] else match.start() + 1
    place = bisect.bisect_right(enclosed, (match.start(), len(match.string))) - 1
    return place >= 0 and until < enclosed[place][1]


def _next_item(text: str, start: int, match: re.Match[str]) -> int | None:
    """Where the next item of a list begins that stands in one line: "1. 목적 2. 내용"."""
    first = _FIRST.match(text, start)
    number = _NUMBER.search(text[max(start, match.start() - 4) : match.start()])
    if match["mark"] != "." or first is None or number is None or int(number[1]) != int(first[1]) + 1:
        return None
    return match.start() - len(number[1])


def _verb_ends(text: str, start: int, match: re.Match[str], *, has_marks: bool) -> bool:
    before = text[max(start, match.start() - _LOOK) : match.start()]
    is_end = is_polite_end(before) or (not has_marks and is_plain_end(before))
    return is_end and not goes_on(text, match.end(), loosely=True)


def _line_ends(text: str, start: int, match: re.Match[str]) -> bool:
    before = text[max(start, match.start() - _LOOK) : match.start()].rstrip()
    return (is_polite_end(before) or is_plain_end(before)) and not goes_on(text, match.end(), loosely=True)


def _mark_ends(text: str, start: int, match: re.Match[str]) -> bool:
    marks, before = match["mark"], text[max(start, match.start() - _LOOK) : match.start()]
    bare = marks.rstrip("\"'”’»)]」』〉》")
    is_quoted, is_apart = bare != marks, match.end() > match.end("mark")
    if goes_on(text, match.end(), loosely=is_quoted or bare[-1] in "!?", attached=not is_apart):
        return False
    if set(bare) <= {".", "…"} and bare != ".":
        return may_trail_off(before) or (before[-1:] < "가" and not text[match.end()].islower())
    return bare != "." or _point_ends(text, start, before, match)


def _point_ends(text: str, start: int, before: str, match: re.Match[str]) -> bool:
    line = before.rsplit("\n", 1)[-1].strip()
    if _LABEL.fullmatch(line):  # "1. An item", "제1조. 목적"
        return False
    if before[-1:] in _LETTERS and not before[-2:-1].strip() and _LETTERED.match(text, start):
        return False
    if before[-1:].isdigit():
        tail = before[-14:]
        return _DATE.search(tail) is None and not (_YEAR.search(tail) and _MONTH.match(text, match.end()))
    word = _LAST_WORD.search(before[-12:])
    if word is None:
        return True
    last = word[0].lower()
    is_initials = all(len(letter) == 1 for letter in word[0].split(".")) and (
        word[0].isupper() or text[match.end() + 1 : match.end() + 2] == "."  # "J. K.", "J.K.", "e. V."
    )
    return not (is_initials or last in _ABBREVIATIONS) and not text[match.end()].islower()
