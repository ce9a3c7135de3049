"""Fields, tags and contents of knowledge bases, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from llmflow.errors import Conflict, NotFound, UsageError
from llmflow.knowledge.fields import Fields, values_of
from llmflow.knowledge.tags import Tag, Tags
from llmflow.knowledge.types import Choice, Contents, Document
from tests.knowledge.conftest import Room


async def _ready(room: Room, name: str, text: str) -> Document:
    return await room.settled((await room.add(name, text)).document.id)


async def test_a_deleted_field_takes_along_what_documents_say_of_it(room: Room) -> None:
    fields = Fields(room.database)
    year, team = await fields.create(room.base, "연도", "number"), await fields.create(room.base, "부서", "string")
    first, second = await _ready(room, "a.txt", "하나"), await _ready(room, "b.txt", "둘")
    values = await fields.checked(room.base, {year.id: "2026", team.id: "인사"})
    assert values == {year.id: 2026, team.id: "인사"}
    first = await room.documents.set_metadata(first, values)
    await room.documents.set_metadata(second, {year.id: 2025.5})
    assert await fields.counts(room.base) == {year.id: 2, team.id: 1}
    assert [(v.field.name, v.value) for v in values_of(first, await fields.all(room.base))] == [
        ("연도", 2026),
        ("부서", "인사"),
    ]
    await fields.delete(room.base, year.id)
    assert (await room.documents.get("w", first.id)).metadata == {team.id: "인사"}
    assert (await room.documents.get("w", second.id)).metadata == {}
    with pytest.raises(NotFound):
        await fields.delete(room.base, year.id)


async def test_names_of_fields_are_unique_and_not_built_in(room: Room) -> None:
    fields = Fields(room.database)
    field = await fields.create(room.base, " 연도 ", "number")
    assert (await fields.rename(room.base, field.id, "해")).name == "해"
    await fields.create(room.base, "연도", "time")
    with pytest.raises(Conflict):
        await fields.rename(room.base, field.id, "연도")
    for name, type in (("해", "number"),):
        with pytest.raises(Conflict):
            await fields.create(room.base, name, type)
    for name, type in (("", "string"), ("x" * 256, "string"), ("uploader", "string"), ("y", "colour")):
        with pytest.raises(UsageError):
            await fields.create(room.base, name, type)


@pytest.mark.parametrize(
    ("type", "given", "kept"),
    [
        ("string", "인사", "인사"),
        ("string", 3, "3"),
        ("number", "3.5", 3.5),
        ("number", -2, -2),
        ("time", 1769817600, 1769817600),
        ("time", "2026-01-31T00:00:00+00:00", 1769817600),
        ("time", None, None),
    ],
)
async def test_values_are_kept_by_the_type_of_their_field(room: Room, type: str, given: Any, kept: Any) -> None:
    fields = Fields(room.database)
    field = await fields.create(room.base, "칸", type)
    assert await fields.checked(room.base, {field.id: given}) == {field.id: kept}


@pytest.mark.parametrize(
    ("type", "given"),
    [
        ("number", "many"),
        ("number", True),
        ("number", "nan"),
        ("time", "yesterday"),
        ("string", []),
        ("string", "x" * 9000),
    ],
)
async def test_values_of_another_type_are_refused(room: Room, type: str, given: Any) -> None:
    fields = Fields(room.database)
    field = await fields.create(room.base, "칸", type)
    with pytest.raises(UsageError):
        await fields.checked(room.base, {field.id: given})


async def test_tags_are_bound_counted_and_go_with_their_base(room: Room) -> None:
    tags = Tags(room.database)
    one, other = await tags.create("w", "하나"), await tags.create("w", "둘")
    with pytest.raises(Conflict):
        await tags.create("w", "하나")
    await tags.bind(room.base, [one.id, other.id, one.id])
    await tags.bind(room.base, [one.id])
    assert await tags.tagged("w", [one.id, other.id]) == {room.base.id}
    assert await tags.all("w") == [Tag(other.id, "둘", 1), Tag(one.id, "하나", 1)]
    with pytest.raises(NotFound):
        await tags.bind(room.base, ["nobody"])
    await tags.unbind(room.base, [other.id])
    assert await tags.tagged("w", [one.id, other.id]) == set()
    await room.bases.delete("w", room.base.id)
    assert await tags.all("w") == [Tag(other.id, "둘", 0), Tag(one.id, "하나", 0)]
    assert await tags.tagged("v", [one.id]) == set()


async def test_what_a_base_holds_is_counted(room: Room) -> None:
    first = await _ready(room, "a.txt", "네 글자")
    await _ready(room, "b.txt", "broken")
    await room.documents.disable(room.base, Choice(ids=(first.id,)))
    assert await room.bases.contents([room.base.id]) == {room.base.id: Contents(2, 0, 4)}
    await room.documents.enable(room.base, Choice(ids=(first.id,)))
    assert await room.bases.contents([room.base.id]) == {room.base.id: Contents(2, 1, 4)}
    assert (await room.documents.place(first), await room.documents.hits([first.id])) == (1, {first.id: 0})
