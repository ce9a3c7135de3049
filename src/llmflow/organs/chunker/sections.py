"""Elements gathered under their headings, with the size of each in tokens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from llmflow.ports.parser import Element

Path = tuple[str, ...]
Count = Callable[[Sequence[str]], list[int]]

_LEFT_OUT = ("Header", "Footer", "PageBreak")
JOINT = "\n\n"


class Sizes:
    """Tokens of texts, counted in batches and once each. White space at the ends does not count."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._known: dict[str, int] = {"": 0}

    def learn(self, texts: Iterable[str]) -> None:
        new = list(dict.fromkeys(stripped for text in texts if (stripped := text.strip()) not in self._known))
        if new:
            self._known.update(zip(new, self._count(new), strict=True))

    def guess(self, text: str, tokens: int) -> None:
        """Notes an upper estimate, so that a long text need not be counted."""
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
    """Neighbouring elements under one heading. `path` includes the heading itself; `tokens` is of the body."""

    path: Path
    elements: list[Element] = field(default_factory=list)
    tokens: int = 0


def gather(elements: Sequence[Element], sizes: Sizes) -> list[Section]:
    """Sections in reading order. A heading with nothing under it, not even further headings, is a section whose only
    element is the heading."""
    sections: list[Section] = []
    kept = [element for element in elements if element.kind not in _LEFT_OUT and element.text.strip()]
    sizes.learn(element.text for element in kept)
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


def _heading(element: Element) -> str:
    return " ".join(element.text.split())


def _above(element: Element) -> Path:
    return element.heading_path


def joined(elements: Sequence[Element]) -> tuple[str, list[int]]:
    """The text of elements, list items on lines of their own, and where in it each element begins."""
    parts: list[str] = []
    starts: list[int] = []
    length = 0
    for index, element in enumerate(elements):
        if index:
            both_items = element.kind == "ListItem" == elements[index - 1].kind
            joint = "\n" if both_items else JOINT
            parts.append(joint)
            length += len(joint)
        starts.append(length)
        text = element.text.strip()
        parts.append(text)
        length += len(text)
    return "".join(parts), starts
