from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator

import pytest

from llmflow.apps.types import ChatConfig
from llmflow.errors import Forbidden, NotFound, TooLarge, UsageError
from tests.apps.fakes import WORKSPACE, World


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_a_file_is_kept_and_read_back_whole(world: World) -> None:
    file = await world.room.files.upload(world.user, "사진 🙂.PNG", _pieces(b"abc", b"def"))
    assert (file.name, file.extension, file.size, file.media_type) == ("사진 🙂.PNG", "png", 6, "image/png")
    found = await world.room.files.get(world.app.id, file.id)
    assert b"".join([piece async for piece in world.room.files.read(found)]) == b"abcdef"


async def test_a_file_over_the_limit_is_refused_by_its_own_code(world: World) -> None:
    with pytest.raises(TooLarge) as refused:
        await world.room.files.upload(world.user, "big.bin", _pieces(b"x" * 600_000, b"x" * 600_000))
    assert refused.value.code == "file_too_large"


async def test_a_file_belongs_to_its_app_and_its_user(world: World) -> None:
    file = await world.room.files.upload(world.user, "a.txt", _pieces(b"a"))
    other = await world.room.catalogue.create(WORKSPACE, "other", ChatConfig())
    with pytest.raises(Forbidden):
        await world.room.files.get(other.id, file.id)
    with pytest.raises(NotFound):
        await world.room.files.get(world.app.id, WORKSPACE)
    bob = await world.room.conversations.user(WORKSPACE, world.app.id, "bob")
    assert await world.room.files.of(bob, [file.id]) == {}
    assert list(await world.room.files.of(world.user, [file.id])) == [file.id]


async def test_a_name_is_only_its_last_part_composed_and_without_tricks(world: World) -> None:
    for given, kept in (
        ("C:\\Users\\a\\보고서.docx", "보고서.docx"),
        (unicodedata.normalize("NFD", "사진 🙂.PNG"), "사진 🙂.PNG"),
        ("a\x00b\n.txt", "ab.txt"),
        ("evil\u202etxt.exe", "eviltxt.exe"),
    ):
        assert (await world.room.files.upload(world.user, given, _pieces(b"a"))).name == kept
    with pytest.raises(UsageError):
        await world.room.files.upload(world.user, "..", _pieces(b"a"))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Text/Plain; charset=UTF-8", "text/plain; charset=utf-8"),
        ("application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("text/plain\n", "application/octet-stream"),
        ("image/png\r\nSet-Cookie: a=b", "application/octet-stream"),
        ("text/html; charset=utf-8; evil=1", "application/octet-stream"),
        ("image", "application/octet-stream"),
        ("", "text/plain"),
    ],
)
async def test_a_media_type_is_one_or_the_file_is_bytes(world: World, said: str, kept: str) -> None:
    file = await world.room.files.upload(world.user, "a.txt", _pieces(b"a"), media_type=said)
    assert file.media_type == kept
