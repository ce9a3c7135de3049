"""Where the meaning of a text changes: between two sentences whose surroundings are far apart.

The way of LlamaIndex's SemanticSplitterNodeParser (after Kamradt 2023): each sentence is embedded together with its
neighbours, and a text is cut where the cosine distance to the next is above a percentile of all in its document. The
sentences are of this package, a table is one unit, and texts are embedded in slices, so that no document is held as
vectors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from llmflow.organs.chunker import sentences
from llmflow.organs.chunker.sections import Section, Sizes
from llmflow.ports.chunker import EmbedTexts
from llmflow.ports.parser import Element, Progress

_SLICE = 64  # texts embedded at once
_MOST_CHARACTERS = 2_000  # of a unit that are embedded: a table's beginning says what it is about


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a table: the part of its section's element `element` from `start` to `end`."""

    section: int
    element: int
    start: int
    end: int
    text: str


def units(sections: Sequence[Section]) -> list[Unit]:
    """In reading order."""
    found = []
    for number, section in enumerate(sections):
        for place, element in enumerate(section.elements):
            pieces = [element.text] if element.kind == "Table" else sentences.split(element.text)
            at = 0
            for piece in pieces:
                if piece.strip():
                    found.append(Unit(number, place, at, at + len(piece), piece.strip()))
                at += len(piece)
    return found


async def breaks(
    units: Sequence[Unit],
    sections: Sequence[Section],
    embed: EmbedTexts,
    *,
    percentile: int,
    buffer: int,
    progress: Progress | None,
) -> set[int]:
    """The places in `units` before which the meaning changes. Raises OrganError when the embedding does not answer."""
    distances: list[float] = []
    last = None
    for start in range(0, len(units), _SLICE):
        end = min(start + _SLICE, len(units))
        vectors = await embed([_around(units, sections, place, buffer) for place in range(start, end)])
        chain = vectors if last is None else np.concatenate([last, vectors])
        distances += (1.0 - np.sum(chain[:-1] * chain[1:], axis=1)).tolist()
        last = vectors[-1:]
        if progress:
            progress(end, len(units))
    if not distances:
        return set()
    limit = np.percentile(distances, percentile)
    return {place for place, distance in enumerate(distances, 1) if distance > limit}


def _around(units: Sequence[Unit], sections: Sequence[Section], place: int, buffer: int) -> str:
    """A unit between its neighbours of the same section, below its heading."""
    own = units[place]
    near = [one for one in units[max(0, place - buffer) : place + buffer + 1] if one.section == own.section]
    path = sections[own.section].path
    return " ".join((*path[-1:], *(one.text[:_MOST_CHARACTERS] for one in near)))


def cut(units: Sequence[Unit], sections: Sequence[Section], places: set[int], sizes: Sizes) -> Iterator[Section]:
    """The sections, cut at their own ends and at `places`; `is_open`: the meaning goes on from the one before."""
    sizes.learn(unit.text for unit in units)
    start = 0
    for place in range(1, len(units) + 1):
        if place < len(units) and place not in places and units[place].section == units[place - 1].section:
            continue
        own = units[start:place]
        section = sections[own[0].section]
        elements = list(_elements(own, section, sizes))
        tokens = sum(sizes.of(element.text) for element in elements)
        yield Section(section.path, elements, tokens, is_open=start > 0 and start not in places)
        start = place


def _elements(units: Sequence[Unit], section: Section, sizes: Sizes) -> Iterator[Element]:
    """What stands in neighbouring units, as elements; whole ones are themselves."""
    first = 0
    for place in range(1, len(units) + 1):
        if place < len(units) and units[place].element == units[first].element:
            continue
        element = section.elements[units[first].element]
        text = element.text[units[first].start : units[place - 1].end].strip()
        if text != element.text.strip():
            sizes.note(text, sum(sizes.of(unit.text) for unit in units[first:place]))
            element = msgspec.structs.replace(element, text=text)
        yield element
        first = place
