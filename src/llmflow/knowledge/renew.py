"""What a document says now against the passages it has: which stay as they are, which are new, which go.

A passage is known again by the digest of what the document says there. So one that did not change keeps its id, its
vector, its hits, and what people made of it: an edit, a merge or a split stays as long as all that it was made from is
still said; what people removed stays away; what they wrote themselves stays behind the passage it stood behind. A
parent that people changed keeps its parts as they are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import uuid
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from llmflow.knowledge.types import Document, Passage
from llmflow.store.content import Content

_NAMESPACE = uuid.UUID("6f0d3c52-0b1e-7c0a-9d2e-1d9a5f0c7b11")
_WRITTEN = [f.name for f in dataclasses.fields(Passage) if f.name not in ("edited_at", "made", "hit_count")]
_PLACES = ("ordinal", "parent_id", "page", "page_end", "boxes")  # may change where the words do not


@dataclass(frozen=True, slots=True)
class Cut:
    """A passage as the document says it now. `parent`: the place in the list of the one it is a part of."""

    text: Content
    answer: Content | None
    tokens: int
    page: int | None
    page_end: int | None
    heading_path: list[str]
    kind: str
    boxes: list[list[float]]
    parent: int | None

    @property
    def digest(self) -> str:
        return digest_of(self.text, self.answer, self.heading_path, self.kind, is_part=self.parent is not None)


@dataclass(frozen=True, slots=True)
class Had:
    """A passage that a document has. `digest`: of what the document said there, "" unknown. `is_settled`: the index is
    known to say of it what the database says."""

    passage: Passage
    digest: str
    origin_id: str | None
    is_settled: bool


@dataclass(slots=True)
class Renewal:
    """`new`: rows of `chunks`. `moved`: (of_id, new_<column>) of those that stay. `searched`: what has to be embedded.
    `in_sight`: the passages of the list, without parts."""

    new: list[dict[str, Any]] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    searched: list[Passage] = field(default_factory=list)
    in_sight: list[Passage] = field(default_factory=list)


def digest_of(text: str, answer: str | None, heading_path: Sequence[str], kind: str, *, is_part: bool) -> str:
    """Of what a document says in one place, and as what it is kept there."""
    role = "part" if is_part else "parent" if kind == "parent" else ""
    said = "\x1f".join((role, *heading_path, "\x1e", text, *(() if answer is None else (answer,))))
    return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()


def renew(document: Document, cuts: Sequence[Cut], had: Sequence[Had]) -> Renewal:
    """`had`: of the document, in reading order. Pure: equal input, equal output."""
    renewal = Renewal()
    digests = [cut.digest for cut in cuts]
    held = _held(digests, had)
    had = [one for one in had if one.passage.parent_id not in held]
    known = known_again(digests, had)
    said = {one.passage.id for one in known.values()}
    broken = _broken(had, said)
    known = {place: one for place, one in known.items() if not _in(one, broken) or one.passage.made == "cut"}
    stays = {one.passage.id: one for one in known.values()}
    ids = _ids(document, digests, known, had)

    # where each passage stands: by parent, in order
    rows: dict[str, Passage] = {}
    order: dict[str | None, list[str]] = defaultdict(list)
    for place, cut in enumerate(cuts):
        parent = None if cut.parent is None else ids[cut.parent]
        if parent is not None and (parent not in rows or parent in held):
            continue  # people removed its parent, or made it theirs
        one = known.get(place)
        if one is not None and one.passage.made == "removed":
            continue
        ordinal = len(order[parent])
        if one is None:
            made = new_passage(document, ids[place], cut, parent, ordinal)
            is_on = parent is None or rows[parent].enabled  # a part of what is switched off is off
            rows[ids[place]] = made if is_on else dataclasses.replace(made, enabled=False)
        else:
            rows[ids[place]] = _placed(one.passage, cut, parent, ordinal)
        order[parent].append(ids[place])
    _put_back(had, broken, rows, order, stays)

    for parent, parts in held.items():
        for one in parts:
            rows[one.passage.id] = one.passage
            stays[one.passage.id] = one
            if one.passage.made != "removed":
                order[parent].append(one.passage.id)
    had = [*had, *(one for parts in held.values() for one in parts)]

    by_id = dict(zip(ids, digests, strict=True))
    settled = {one.passage.id for one in had if one.is_settled}
    before = {one.passage.id: one for one in had}
    for parent, siblings in order.items():
        for ordinal, passage_id in enumerate(siblings):
            passage = rows[passage_id]
            if passage.ordinal != ordinal:
                passage = rows[passage_id] = dataclasses.replace(passage, ordinal=ordinal)
            if parent is None:
                renewal.in_sight.append(passage)
            if passage_id not in stays:
                continue
            old, digest = before[passage_id], by_id.get(passage_id, "")
            if old.digest != digest or any(getattr(passage, n) != getattr(old.passage, n) for n in _PLACES):
                values = {f"new_{name}": getattr(passage, name) for name in _PLACES}
                renewal.moved.append({"of_id": passage_id, **values, "new_digest": digest})
    renewal.new = [row_of(document, passage, by_id[i]) for i, passage in rows.items() if i not in stays]
    renewal.gone = [i for i in before if i not in stays]
    renewal.searched = [
        p for i, p in rows.items() if p.enabled and p.kind != "parent" and i not in settled & stays.keys()
    ]
    return renewal


def known_again(digests: Sequence[str], had: Sequence[Had]) -> dict[int, Had]:
    """The passage that says the same, by place; of several the first goes to the first."""
    waiting: dict[str, deque[Had]] = defaultdict(deque)
    for one in had:
        p = one.passage
        if one.digest:
            waiting[one.digest].append(one)
        elif p.made == "cut":  # written before digests were kept
            digest = digest_of(p.text, p.answer, p.heading_path, p.kind, is_part=p.parent_id is not None)
            waiting[digest].append(one)
    return {place: waiting[digest].popleft() for place, digest in enumerate(digests) if waiting[digest]}


def _held(digests: Sequence[str], had: Sequence[Had]) -> dict[str, list[Had]]:
    """The parts of parents that people changed or added and that stay, by parent: the document has no say in them."""
    said = {one.passage.id for one in known_again(digests, had).values()}
    broken = _broken(had, said)
    mine = {
        one.passage.id: [part for part in had if part.passage.parent_id == one.passage.id]
        for one in had
        if one.passage.kind == "parent" and one.passage.made in ("edited", "added")
        if not _in(one, broken) and (one.passage.made == "added" or one.passage.id in said)
    }
    return {parent: parts for parent, parts in mine.items() if parts}


def _broken(had: Sequence[Had], said: set[str]) -> set[str]:
    """What people merged or split together and is no longer all said, by the first of each."""
    return {_origin(one) for one in had if one.passage.made != "added" and one.passage.id not in said}


def _origin(one: Had) -> str:
    return one.origin_id or one.passage.id


def _in(one: Had, broken: set[str]) -> bool:
    return _origin(one) in broken


def _ids(document: Document, digests: Sequence[str], known: dict[int, Had], had: Sequence[Had]) -> list[str]:
    """Each its own, or one that follows from the words and is not taken."""
    taken = {one.passage.id for one in had}
    seen: dict[str, int] = defaultdict(int)
    ids = []
    for place, digest in enumerate(digests):
        if place in known:
            ids.append(known[place].passage.id)
            continue
        while True:
            made = str(uuid.uuid5(_NAMESPACE, f"{document.id}/{digest}/{seen[digest]}"))
            seen[digest] += 1
            if made not in taken:
                break
        ids.append(made)
    return ids


def new_passage(document: Document, passage_id: str, cut: Cut, parent_id: str | None, ordinal: int) -> Passage:
    return Passage(
        id=passage_id,
        knowledge_id=document.knowledge_id,
        document_id=document.id,
        ordinal=ordinal,
        text=cut.text,
        tokens=cut.tokens,
        page=cut.page,
        page_end=cut.page_end,
        heading_path=cut.heading_path,
        kind=cut.kind,
        boxes=cut.boxes,
        hit_count=0,
        parent_id=parent_id,
        answer=cut.answer,
        keywords=[],
        enabled=True,
        made="cut",
        edited_at=None,
    )


def _placed(passage: Passage, cut: Cut, parent_id: str | None, ordinal: int) -> Passage:
    """As it is, where it stands now. One that people merged has the places of all that it is of."""
    passage = dataclasses.replace(passage, parent_id=parent_id, ordinal=ordinal)
    if passage.made != "cut":
        return passage
    return dataclasses.replace(passage, page=cut.page, page_end=cut.page_end, boxes=cut.boxes)


def _put_back(
    had: Sequence[Had],
    broken: set[str],
    rows: dict[str, Passage],
    order: dict[str | None, list[str]],
    stays: dict[str, Had],
) -> None:
    """Puts what people added behind what it stood behind."""
    behind: dict[str | None, str] = {}
    for one in had:
        passage, parent = one.passage, one.passage.parent_id
        if passage.made == "added" and (parent is None or parent in rows):
            if _origin(one) != passage.id and _in(one, broken):
                continue
            siblings = order[parent]
            place = siblings.index(behind[parent]) + 1 if parent in behind else 0
            siblings.insert(place, passage.id)
            rows[passage.id] = passage
            stays[passage.id] = one
        if passage.id in rows and passage.id in order[parent]:
            behind[parent] = passage.id


def row_of(document: Document, passage: Passage, digest: str) -> dict[str, Any]:
    row = {name: getattr(passage, name) for name in _WRITTEN}
    return row | {"workspace_id": document.workspace_id, "digest": digest}
