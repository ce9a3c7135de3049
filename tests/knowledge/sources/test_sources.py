"""Sources against a base: what is new comes, what changed replaces, what is gone goes, and nothing else is touched."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from llmflow.errors import Conflict, Forbidden, UsageError
from llmflow.knowledge.sources import queries, sigv4
from llmflow.knowledge.sources.compare import Compare
from llmflow.knowledge.sources.sources import Sources
from llmflow.knowledge.sources.types import Kind, Source
from llmflow.net.client import Guard, HttpClient
from llmflow.organs.jobs.memory import MemoryJobs
from llmflow.store.crypto import Cipher
from tests.knowledge.conftest import Room
from tests.knowledge.sources.s3_server import ACCESS, SECRET, S3Server


@dataclass
class Site:
    """Pages by path; `moved`: where a path redirects to; `robots`: what programs may read."""

    pages: dict[str, str] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    robots: str = ""
    bodies: list[str] = field(default_factory=list)  # paths whose body was sent
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        path = request.path
        if path == "/robots.txt":
            return web.Response(text=self.robots, status=200 if self.robots else 404)
        if path in self.moved:
            return web.Response(status=302, headers={"Location": self.moved[path]})
        if path not in self.pages:
            return web.Response(status=404)
        etag = f'"{hash(self.pages[path])}"'
        if request.headers.get("If-None-Match") == etag:
            return web.Response(status=304)
        self.bodies.append(path)
        return web.Response(text=self.pages[path], headers={"ETag": etag})


@dataclass
class Desk:
    room: Room
    sources: Sources
    jobs: MemoryJobs
    folder: Path
    site: Site
    s3: S3Server

    async def made(self, kind: Kind, settings: dict[str, Any], **more: Any) -> Source:
        return await self.sources.create(self.room.base, kind, f"{kind} 원본", settings, **more)

    async def synchronised(self, source: Source) -> dict[str, Any]:
        """The report, without times; every document is ready then."""
        await self.sources.synchronise(source)
        while (source := await self.sources.get("w", source.id)).state != "idle":
            await asyncio.sleep(0.01)
        while any(d.state not in ("ready", "failed") for d in (await self.room.documents.page(self.room.base))[0]):
            await asyncio.sleep(0.01)
        report = source.reports[0]
        return {name: value for name, value in report.items() if value and not name.endswith("_at")}

    async def documents(self) -> dict[str, str]:
        """Names and where they come from."""
        found, _ = await self.room.documents.page(self.room.base)
        return {document.name: document.source for document in found}


@pytest.fixture
async def desk(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr("llmflow.knowledge.sources.pages._PAUSE_S", 0.0)
    monkeypatch.setattr("llmflow.knowledge.sources.sources.Pages.__init__.__kwdefaults__", {"pause_s": 0.0})
    site, s3 = Site(), S3Server()
    runners = []
    for served in (site, s3):
        app = web.Application()
        app.router.add_get("/{path:.*}", served.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        runners.append(runner)
    folder = tmp_path / "공유 폴더"
    folder.mkdir()
    jobs = MemoryJobs()
    http = HttpClient(guard=Guard(("127.0.0.1",)))
    sources = Sources(
        room.database,
        jobs,
        room.bases,
        Compare(room.database, room.documents, most_files=50),
        room.changes,
        Cipher("a passphrase of tests"),
        web=http,
        servers=http,
        folders=[str(tmp_path)],
    )
    await jobs.start()
    yield Desk(room, sources, jobs, folder, site, s3)
    await sources.close()
    await jobs.close()
    await http.close()
    for runner in runners:
        await runner.cleanup()


async def test_a_folder_is_followed(desk: Desk) -> None:
    (desk.folder / "규정").mkdir()
    (desk.folder / "규정" / "휴가.txt").write_text("연차는 15일이다.")
    (desk.folder / "notes.txt").write_text("Some notes.")
    (desk.folder / ".hidden.txt").write_text("hidden")
    source = await desk.made("folder", {"path": str(desk.folder)})
    assert await desk.synchronised(source) == {"new": 2}
    assert await desk.documents() == {"규정 › 휴가.txt": "folder", "notes.txt": "folder"}
    parsed = len(desk.room.parser.parsed)
    assert await desk.synchronised(source) == {"unchanged": 2}
    assert len(desk.room.parser.parsed) == parsed
    (desk.folder / "규정" / "휴가.txt").write_text("연차는 이제 20일이다.")
    (desk.folder / "notes.txt").unlink()
    (desk.folder / "new.txt").write_text("brand new")
    assert await desk.synchronised(source) == {"new": 1, "changed": 1, "removed": 1}
    assert sorted(await desk.documents()) == ["new.txt", "규정 › 휴가.txt"]


async def test_a_renamed_file_keeps_a_document_and_so_does_a_copy_whose_twin_goes(desk: Desk) -> None:
    (desk.folder / "휴가.txt").write_text("연차는 15일이다.")
    source = await desk.made("folder", {"path": str(desk.folder)})
    await desk.synchronised(source)
    (desk.folder / "휴가.txt").rename(desk.folder / "휴가 규정.txt")
    assert await desk.synchronised(source) == {"new": 1, "removed": 1}
    assert await desk.documents() == {"휴가 규정.txt": "folder"}
    (desk.folder / "사본.txt").write_text("연차는 15일이다.")
    assert await desk.synchronised(source) == {"same": 1, "unchanged": 1}
    (desk.folder / "휴가 규정.txt").unlink()
    assert await desk.synchronised(source) == {"new": 1, "removed": 1}
    assert await desk.documents() == {"사본.txt": "folder"}
    assert await desk.synchronised(source) == {"unchanged": 1}


async def test_only_folders_that_an_operator_named_are_read(desk: Desk, tmp_path: Path) -> None:
    for path in ("/etc", str(desk.folder / ".." / ".." / ".."), "/"):
        with pytest.raises(Forbidden) as caught:
            await desk.made("folder", {"path": path})
        assert caught.value.code == "folder_not_allowed"
    (desk.folder / "secret.txt").symlink_to("/etc/hostname")
    (desk.folder / "a.txt").write_text("text")
    source = await desk.made("folder", {"path": str(desk.folder)})
    assert await desk.synchronised(source) == {"new": 1}
    assert list(await desk.documents()) == ["a.txt"]


async def test_a_folder_that_is_gone_removes_nothing(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("text")
    source = await desk.made("folder", {"path": str(desk.folder), "include": ["*.TXT"]})
    (desk.folder / "b.md").write_text("left out")
    assert await desk.synchronised(source) == {"new": 1}
    desk.folder.rename(desk.folder.with_name("elsewhere"))
    report = await desk.synchronised(source)
    assert report["error_code"] == "not_found"
    assert "removed" not in report
    assert list(await desk.documents()) == ["a.txt"]


async def test_what_others_brought_is_not_touched(desk: Desk) -> None:
    uploaded = await desk.room.add("a.txt", "uploaded by hand")
    await desk.room.settled(uploaded.document.id)
    (desk.folder / "a.txt").write_text("from the folder")
    (desk.folder / "copy.txt").write_text("uploaded by hand")
    source = await desk.made("folder", {"path": str(desk.folder)})
    assert await desk.synchronised(source) == {"same": 1, "failed": 1}
    files, total = await desk.sources.files(source, failed=True)
    assert (total, files[0].name, files[0].error_code) == (1, "a.txt", "conflict")
    (desk.folder / "copy.txt").unlink()
    await desk.synchronised(source)
    assert await desk.documents() == {"a.txt": "upload"}


async def test_pages_are_asked_for_only_if_they_changed(desk: Desk) -> None:
    desk.site.pages = {"/휴가": "연차는 15일이다.", "/b": "second page"}
    desk.site.moved = {"/old": "/b"}
    source = await desk.made("urls", {"urls": [f"{desk.site.url}/휴가", f"{desk.site.url}/old"]})
    assert await desk.synchronised(source) == {"new": 2}
    assert sorted(await desk.documents()) == ["127.0.0.1 › old", "127.0.0.1 › 휴가"]
    assert await desk.synchronised(source) == {"unchanged": 2}
    assert sorted(desk.site.bodies) == ["/b", "/휴가"]
    desk.site.pages["/휴가"] = "연차는 20일이다."
    del desk.site.pages["/b"]
    assert await desk.synchronised(source) == {"changed": 1, "failed": 1}
    assert list(await desk.documents()) == ["127.0.0.1 › 휴가"]


async def test_private_addresses_and_what_robots_may_not_read_are_refused_by_name(desk: Desk) -> None:
    desk.site.pages = {"/open": "open", "/closed": "closed"}
    desk.site.moved = {"/away": "http://10.0.0.1/inside", "/metadata": "http://169.254.169.254/latest"}
    desk.site.robots = "User-agent: *\nDisallow: /closed\n"
    urls = [f"{desk.site.url}/{path}" for path in ("open", "closed", "away", "metadata")]
    source = await desk.made("urls", {"urls": urls})
    assert await desk.synchronised(source) == {"new": 1, "failed": 3}
    files, _ = await desk.sources.files(source, failed=True)
    told = {file.ref.rpartition("/")[2]: file.error_code for file in files}
    assert told == {"closed": "forbidden", "away": "address_blocked", "metadata": "address_blocked"}
    for url in ("ftp://host/a", "http://user:pass@host/", "file:///etc/passwd"):
        with pytest.raises(UsageError):
            await desk.made("urls", {"urls": [url]})


async def test_a_bucket_is_followed_over_pages_of_its_list(desk: Desk) -> None:
    desk.s3.objects = {
        "kb/규정/휴가 안내.txt": "연차는 15일이다.".encode(),
        "kb/a+b & c=d.txt": b"odd name",
        "kb/folder/": b"",
        "kb/z~'()*.txt": b"more odd",
        "other/x.txt": b"left out",
    }
    settings = {"endpoint": desk.s3.url, "bucket": "docs", "prefix": "kb/", "access_key": ACCESS}
    source = await desk.made("s3", settings, secrets={"secret_key": SECRET})
    assert await desk.synchronised(source) == {"new": 3}
    assert sorted(await desk.documents()) == ["a+b & c=d.txt", "z~'()*.txt", "규정 › 휴가 안내.txt"]
    desk.s3.asked.clear()
    assert await desk.synchronised(source) == {"unchanged": 3}
    assert all(path.startswith("/docs?") for path in desk.s3.asked)
    desk.s3.objects["kb/a+b & c=d.txt"] = b"changed"
    del desk.s3.objects["kb/z~'()*.txt"]
    assert await desk.synchronised(source) == {"changed": 1, "removed": 1, "unchanged": 1}


async def test_a_secret_is_sealed_and_in_no_answer(desk: Desk) -> None:
    settings = {"endpoint": desk.s3.url, "bucket": "docs", "access_key": ACCESS}
    source = await desk.made("s3", settings, secrets={"secret_key": "wrong" + SECRET})
    assert source.has_secret
    report = await desk.synchronised(source)
    assert report["error_code"] == "forbidden"
    assert "SignatureDoesNotMatch" in report["error_message"]
    assert SECRET not in repr(await desk.sources.get("w", source.id))
    async with desk.room.database.read() as connection:
        assert SECRET not in await queries.sealed(connection, source.id)
    with pytest.raises(UsageError):
        await desk.made("s3", {**settings, "secret_key": SECRET})


async def test_a_source_is_looked_into_when_its_time_has_come(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (desk.folder / "a.txt").write_text("text")
    source = await desk.made("folder", {"path": str(desk.folder)}, every_minutes=60)
    assert source.next_at is not None
    now = source.next_at + 1
    monkeypatch.setattr("llmflow.knowledge.sources.sources.now_ms", lambda: now)
    desk.sources.start()
    while not (source := await desk.sources.get("w", source.id)).reports or source.state != "idle":
        await asyncio.sleep(0.01)
    assert source.next_at == now + 60 * 60_000
    assert source.reports[0]["new"] == 1


async def test_what_a_dead_process_left_is_taken_up(desk: Desk) -> None:
    (desk.folder / "a.txt").write_text("text")
    source = await desk.made("folder", {"path": str(desk.folder)})
    async with desk.room.database.write() as connection:
        await queries.change(connection, source.id, state="running", job_id="of a dead process")
    desk.sources.start()
    while (source := await desk.sources.get("w", source.id)).state != "idle":
        await asyncio.sleep(0.01)
    assert source.reports[0]["new"] == 1


async def test_too_many_files_and_a_name_that_is_taken_are_said(desk: Desk) -> None:
    for number in range(51):
        (desk.folder / f"{number}.txt").write_text(f"text {number}")
    source = await desk.made("folder", {"path": str(desk.folder)})
    assert (await desk.synchronised(source))["error_code"] == "too_large"
    with pytest.raises(Conflict):
        await desk.made("folder", {"path": str(desk.folder)})
    await desk.sources.delete(source)
    assert await desk.sources.all(desk.room.base) == []
    assert len(await desk.documents()) == 50


def test_a_request_is_signed_as_amazon_publishes_it() -> None:
    """The examples "GET Object" and "GET Bucket (List Objects)" of Amazon's description of the signature."""
    at = datetime(2013, 5, 24, tzinfo=UTC)
    keys = {"access_key": ACCESS, "secret_key": SECRET, "region": "us-east-1", "at": at}
    host = "examplebucket.s3.amazonaws.com"
    got = sigv4.signed("GET", host, "/test.txt", {}, headers={"range": "bytes=0-9"}, **keys)  # type: ignore[arg-type]
    assert got["authorization"].endswith("f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    got = sigv4.signed("GET", host, "/", {"max-keys": "2", "prefix": "J"}, **keys)  # type: ignore[arg-type]
    assert got["authorization"].endswith("34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
