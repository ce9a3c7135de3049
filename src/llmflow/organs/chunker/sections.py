"""Elements gathered under their headings, with the size of each in tokens."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from llmflow.organs.chunker import sentences
from llmflow.ports.parser import Element

Path = tuple[str, ...]
Count = Callable[[Sequence[str]], list[int]]

_LEFT_OUT = ("Header", "Footer", "PageBreak")
JOINT = "\n\n"
_LONG = 300  # characters


class Sizes:
    """Tokens of texts, counted in batches and every text once: counting is what chunking costs. White space at the
    ends does not count, and a text has as many tokens as its sentences have together."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._known: dict[str, int] = {"": 0}
        self._parts: dict[str, list[str]] = {}

    def learn(self, texts: Iterable[str]) -> None:
        new = list(dict.fromkeys(stripped for text in texts if (stripped := text.strip()) not in self._known))
        if new:
            self._known.update(zip(new, self._count(new), strict=True))

    def learn_by_sentences(self, texts: Iterable[str]) -> None:
        """Counts the sentences of long texts, so that a cut between them needs no second count."""
        parts = {text: self.parts(text) for text in texts}
        self.learn(part for split in parts.values() for part in split)
        for text, split in parts.items():
            self.note(text, sum(self.of(part) for part in split))

    def parts(self, text: str) -> list[str]:
        """What is counted of a text: itself, or its sentences where it is long."""
        if len(text) <= _LONG:
            return [text]
        if text not in self._parts:
            self._parts[text] = sentences.split(text)
        return self._parts[text]

    def note(self, text: str, tokens: int) -> None:
        """The tokens of a text, known from its parts."""
        self._known.setdefault(text.strip(), tokens)

    def of(self, text: str) -> int:
        text = text.strip()
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = self._count([text])[0]
        return known

    def as_tokens(self, text: str) -> range:
        """For LlamaIndex, which asks for the tokens only to take their number."""
        return range(self.of(text))


@dataclass(slots=True)
class Section:
    """Neighbouring elements under one heading. `path` includes the heading itself; `tokens` is of the body. `is_open`:
    nothing is known that parts it from the section before."""

    path: Path
    elements: list[Element] = field(default_factory=list)
    tokens: int = 0
    is_open: bool = True


def gather(elements: Sequence[Element], sizes: Sizes) -> list[Section]:
    """Sections in reading order. A heading with nothing under it, not even further headings, is a section whose only
    element is the heading."""
    sections: list[Section] = []
    kept = [element for element in elements if element.kind not in _LEFT_OUT and element.text.strip()]
    sizes.learn_by_sentences(element.text.strip() for element in kept)
    for index, element in enumerate(kept):
        if element.kind == "Title":
            path = (*element.heading_path, _heading(element))
            following = kept[index + 1] if index + 1 < len(kept) else None
            if following is not None and _above(following)[: len(path)] == path:
                continue  # it stands in the path of what follows
            path = element.heading_path
        else:
            path = element.heading_path
        if not sections or sections[-1].path != path or element.kind == "Title":
            sections.append(Section(path))
        sections[-1].elements.append(element)
        sections[-1].tokens += sizes.of(element.text)
    sizes.learn(heading for section in sections for heading in section.path)
    return sections


def separated(section: Section, separator: str) -> Iterator[tuple[Path, list[Element]]]:
    """What of a section stands between two separators, with the section's path. A table is never torn."""
    piece: list[Element] = []
    for element in section.elements:
        texts = [element.text] if element.kind == "Table" else element.text.split(separator)
        for number, text in enumerate(texts):
            if number or (piece and separator in JOINT):
                if piece:
                    yield section.path, piece
                piece = []
            if text.strip():
                piece.append(element if len(texts) == 1 else msgspec.structs.replace(element, text=text.strip()))
    if piece:
        yield section.path, piece


def _heading(element: Element) -> str:
    return " ".join(element.text.split())


def _above(element: Element) -> Path:
    return element.heading_path


class Run:
    """Elements as one text, which knows where each begins and how many tokens stand between two places."""

    def __init__(self, elements: Sequence[Element], sizes: Sizes) -> None:
        self.text = joined(elements)
        self._elements = elements
        self._sizes = sizes
        self._starts: list[int] = []  # of elements
        self._marks: list[int] = []  # of elements and of the sentences of long ones
        self._tokens = [0]  # before each mark
        at = 0
        for index, element in enumerate(elements):
            at += len(_joint(elements, index))
            self._starts.append(at)
            text = element.text.strip()
            for part in sizes.parts(text):
                self._marks.append(at)
                self._tokens.append(self._tokens[-1] + sizes.of(part))
                at += len(part)
            self._note_list(index)
        sizes.note(self.text, self._tokens[-1])

    def _note_list(self, index: int) -> None:
        """The items of a list are one paragraph to the splitter: so it need not be counted either."""
        following = self._elements[index + 1].kind if index + 1 < len(self._elements) else ""
        if self._elements[index].kind != "ListItem" or following == "ListItem":
            return
        first = index
        while first and self._elements[first - 1].kind == "ListItem":
            first -= 1
        items = self._elements[first : index + 1]
        end = self._starts[index] + len(self._elements[index].text.strip())
        self._sizes.note(self.text[self._starts[first] : end], sum(self._sizes.of(item.text) for item in items))

    def tokens(self, piece: str, at: int) -> int:
        """Tokens of `piece`, which stands at `at`; counted anew only where it does not begin and end at a mark."""
        first = bisect.bisect_left(self._marks, at)
        last = bisect.bisect_left(self._marks, at + len(piece))
        until = self._marks[last] if last < len(self._marks) else len(self.text)
        exact = first < len(self._marks) and self._marks[first] == at and not self.text[at + len(piece) : until].strip()
        return self._tokens[last] - self._tokens[first] if exact else self._sizes.of(piece)

    def elements(self, piece: str, at: int) -> Sequence[Element]:
        """The elements that `piece` is of."""
        first = bisect.bisect_right(self._starts, at) - 1
        last = bisect.bisect_right(self._starts, at + len(piece) - 1) - 1
        return self._elements[first : last + 1]


def joined(elements: Sequence[Element]) -> str:
    """The text of elements, list items on lines of their own."""
    return "".join(_joint(elements, index) + element.text.strip() for index, element in enumerate(elements))


def _joint(elements: Sequence[Element], index: int) -> str:
    if not index:
        return ""
    return "\n" if elements[index].kind == "ListItem" == elements[index - 1].kind else JOINT
