"""The contract of the blobs port, over every adapter."""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmflow.errors import NotFound, OrganError, TooLarge
from llmflow.organs.blobs.folder import FolderBlobs
from llmflow.ports.blobs import Blobs

MISSING = "0" * 64


@pytest.fixture(params=["folder"])
async def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Blobs]:
    opened = {"folder": FolderBlobs}[request.param](tmp_path / "blobs")
    yield opened
    await opened.close()


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def whole(blobs: Blobs, digest: str) -> bytes:
    return b"".join([piece async for piece in blobs.read(digest)])


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_was_put_is_read_again(blobs: Blobs) -> None:
    data = os.urandom(700_001)
    info = await blobs.put(pieces(data[:10], data[10:400_000], b"", data[400_000:]))
    assert (info.digest, info.size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert await whole(blobs, info.digest) == data


async def test_nothing_is_a_blob_too(blobs: Blobs) -> None:
    info = await blobs.put(pieces())
    assert info.size == 0
    assert await whole(blobs, info.digest) == b""


async def test_every_kept_digest_is_listed_once(blobs: Blobs) -> None:
    assert [batch async for batch in blobs.digests()] == []
    kept = [(await blobs.put(pieces(str(n).encode()))).digest for n in range(20)]
    await blobs.put(pieces(b"3"))
    await blobs.delete(kept.pop())
    assert sorted([digest async for batch in blobs.digests() for digest in batch]) == sorted(kept)


async def test_equal_bytes_are_kept_once(blobs: Blobs, tmp_path: Path) -> None:
    infos = await asyncio.gather(*(blobs.put(pieces("같은 내용".encode())) for _ in range(8)))
    assert len(set(infos)) == 1
    assert len(files(tmp_path / "blobs")) == 1


async def test_a_local_path_holds_the_bytes(blobs: Blobs) -> None:
    info = await blobs.put(pieces(b"local"))
    async with blobs.local(info.digest) as path:
        assert path.read_bytes() == b"local"


async def test_a_missing_blob_says_so(blobs: Blobs) -> None:
    with pytest.raises(NotFound):
        await whole(blobs, MISSING)
    with pytest.raises(NotFound):
        async with blobs.local(MISSING):
            pass
    await blobs.delete(MISSING)


@pytest.mark.parametrize("digest", ["", "../../etc/passwd", "/etc/passwd", MISSING.upper() + "A", "가" * 64, "a\x00b"])
async def test_a_digest_that_is_none_reaches_no_file(blobs: Blobs, digest: str) -> None:
    with pytest.raises(NotFound):
        await whole(blobs, digest)
    await blobs.delete(digest)


async def test_a_deleted_blob_is_gone_and_can_come_back(blobs: Blobs) -> None:
    info = await blobs.put(pieces(b"once"))
    await blobs.delete(info.digest)
    with pytest.raises(NotFound):
        await whole(blobs, info.digest)
    assert await blobs.put(pieces(b"once")) == info
    assert await whole(blobs, info.digest) == b"once"


async def test_too_many_bytes_leave_nothing(blobs: Blobs, tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        await blobs.put(pieces(b"x" * 300_000, b"x" * 300_000, b"x"), max_bytes=600_000)
    assert files(tmp_path / "blobs") == []
    assert (await blobs.put(pieces(b"x" * 600_000), max_bytes=600_000)).size == 600_000


async def test_a_sender_that_breaks_off_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * 600_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await blobs.put(broken())
    assert files(tmp_path / "blobs") == []


async def test_a_cancelled_put_leaves_nothing(blobs: Blobs, tmp_path: Path) -> None:
    started = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 300_000
            started.set()

    task = asyncio.create_task(blobs.put(endless(), max_bytes=None))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert files(tmp_path / "blobs") == []


async def test_blobs_survive_a_reopening(tmp_path: Path) -> None:
    first = FolderBlobs(tmp_path / "blobs")
    info = await first.put(pieces(b"stays"))
    await first.close()
    second = FolderBlobs(tmp_path / "blobs")
    assert await whole(second, info.digest) == b"stays"
    await second.close()


async def test_health_names_the_place(blobs: Blobs, tmp_path: Path) -> None:
    health = await blobs.health()
    assert health.ok
    assert str(tmp_path) in health.where


async def test_a_full_disk_is_a_coded_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = FolderBlobs(tmp_path / "blobs")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr("llmflow.organs.blobs.folder.os.fsync", full)
        with pytest.raises(OrganError) as caught:
            await folder.put(pieces(b"x" * 1000))
    assert caught.value.code == "disk_full"
    assert files(tmp_path / "blobs") == []
    await folder.close()


async def test_a_folder_that_cannot_be_made_is_told_by_health(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    folder = FolderBlobs(tmp_path / "file" / "blobs")
    health = await folder.health()
    assert not health.ok
    assert health.hint
    with pytest.raises(OrganError):
        await folder.put(pieces(b"x"))
    await folder.close()


async def test_only_the_owner_may_look(tmp_path: Path) -> None:
    folder = FolderBlobs(tmp_path / "blobs")
    await folder.put(pieces(b"private"))
    for path in [tmp_path / "blobs", *(tmp_path / "blobs").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    await folder.close()


async def test_what_a_dead_process_left_half_written_is_removed(tmp_path: Path) -> None:
    code = """
        import asyncio, sys
        from pathlib import Path
        from llmflow.organs.blobs.folder import FolderBlobs

        async def endless():
            yield b"x" * 600_000
            while True:
                print("written", flush=True)
                await asyncio.sleep(60)

        asyncio.run(FolderBlobs(Path(sys.argv[1])).put(endless()))
    """
    folder = tmp_path / "blobs"
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()

    beside = FolderBlobs(folder)
    info = await beside.put(pieces(b"meanwhile"))
    assert len(files(folder)) == 2, "the file of a living writer must stay"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    await beside.close()

    after = FolderBlobs(folder)
    assert await whole(after, info.digest) == b"meanwhile"
    assert [path.name for path in files(folder)] == [info.digest]
    await after.close()
