"""Where on its pages a chunk stands: the boxes of its elements, those of one column together."""

from __future__ import annotations

from collections.abc import Sequence

from llmflow.ports.chunker import PageBox
from llmflow.ports.parser import Element

_SHARED = 0.5  # of the narrower box's width, so that two lie in one column


def boxes_of(elements: Sequence[Element]) -> tuple[PageBox, ...]:
    """In reading order; elements that follow each other down one column share a box."""
    boxes: list[PageBox] = []
    for element in elements:
        if element.bbox is None or element.page is None:
            continue
        x0, top, x1, bottom = (round(value, 1) for value in element.bbox)
        box = (element.page, x0, top, x1, bottom)
        if boxes and _follows(boxes[-1], box):
            boxes[-1] = _around(boxes[-1], box)
        else:
            boxes.append(box)
    return tuple(boxes)


def _follows(above: PageBox, below: PageBox) -> bool:
    narrower = min(above[3] - above[1], below[3] - below[1])
    shared = min(above[3], below[3]) - max(above[1], below[1])
    return above[0] == below[0] and above[2] <= below[2] and shared >= _SHARED * narrower


def _around(one: PageBox, other: PageBox) -> PageBox:
    return (one[0], min(one[1], other[1]), min(one[2], other[2]), max(one[3], other[3]), max(one[4], other[4]))
