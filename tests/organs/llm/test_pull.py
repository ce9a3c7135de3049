"""Downloads: redirected, cut, resumed, checked."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmflow.errors import NotFound, OrganError, UsageError
from llmflow.net.client import HttpClient
from llmflow.organs.llm import pull as pulling
from llmflow.organs.llm.pull import KNOWN, pull

WEIGHTS = b"GGUF" + bytes(range(256)) * 2000
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


class Hub:
    """Redirects /model.gguf to a storage that may cut, refuse to resume, or serve something else."""

    def __init__(self) -> None:
        self.weights = WEIGHTS
        self.tag: str | None = f'"{SHA256}"'
        self.cuts: list[int] = []  # bytes after which each of the next answers breaks off
        self.resumes = True
        self.ranges: list[str] = []
        self.loops = False
        app = web.Application()
        app.router.add_get("/{org}/resolve/main/{name}", self._redirect)
        app.router.add_get("/storage/{name}", self._storage)
        self.server = TestServer(app)
        self.http = HttpClient()
        self.seen: list[tuple[int, int | None]] = []

    def url(self, name: str = "model.gguf") -> str:
        return str(self.server.make_url(f"/org/resolve/main/{name}"))

    async def pull(self, into: Path, *, sha256: str | None = None, url: str = "") -> Path:
        def progress(there: int, total: int | None) -> None:
            self.seen.append((there, total))

        return await pull(url or self.url(), into=into, http=self.http, progress=progress, sha256=sha256)

    async def _redirect(self, request: web.Request) -> web.Response:
        headers = {"Location": request.path if self.loops else "/storage/blob?X-Signature=secret"}
        if self.tag:
            headers["X-Linked-ETag"] = self.tag
        return web.Response(status=302, headers=headers)

    async def _storage(self, request: web.Request) -> web.StreamResponse:
        asked = request.headers.get("Range", "")
        self.ranges.append(asked)
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and self.resumes else 0
        total = len(self.weights)
        if begin >= total:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{total}"})
        response = web.StreamResponse(status=206 if begin else 200)
        if request.query:  # the storage behind a hub has tags of its own, which are no SHA-256 of the file
            response.headers["ETag"] = '"' + "0" * 64 + '"'
        if begin:
            response.headers["Content-Range"] = f"bytes {begin}-{total - 1}/{total}"
        response.content_length = total - begin
        await response.prepare(request)
        if self.cuts:
            end = begin + self.cuts.pop(0)
            await response.write(self.weights[begin:end])
            while not self.seen or self.seen[-1][0] < end:  # the cut comes after the client has read so far
                await asyncio.sleep(0.005)
            assert request.transport
            request.transport.close()
            return response
        await response.write(self.weights[begin:])
        return response


@pytest.fixture
async def hub(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Hub]:
    monkeypatch.setattr(pulling, "_PAUSE_S", 0.0)
    made = Hub()
    await made.server.start_server()
    yield made
    await made.http.close()
    await made.server.close()


async def test_a_model_comes_whole_through_a_redirect_with_its_progress(hub: Hub, tmp_path: Path) -> None:
    path = await hub.pull(tmp_path / "모델 파일")
    assert path == tmp_path / "모델 파일" / "model.gguf"
    assert path.read_bytes() == WEIGHTS
    assert hub.seen[-1] == (len(WEIGHTS), len(WEIGHTS))
    assert [there for there, _ in hub.seen] == sorted(there for there, _ in hub.seen)
    assert list(path.parent.iterdir()) == [path]


async def test_a_model_that_is_there_is_not_fetched_again(hub: Hub, tmp_path: Path) -> None:
    await hub.pull(tmp_path)
    await hub.pull(tmp_path, sha256=SHA256.upper())
    assert hub.ranges == [""]


async def test_a_cut_download_goes_on_where_it_broke(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [100_000, 50_000]
    path = await hub.pull(tmp_path)
    assert path.read_bytes() == WEIGHTS
    assert hub.ranges == ["", "bytes=100000-", "bytes=150000-"]


async def test_what_came_before_a_failure_serves_the_next_try(hub: Hub, tmp_path: Path) -> None:
    hub.cuts = [10_000] * 4
    with pytest.raises(OrganError, match="broke off 4 times") as caught:
        await hub.pull(tmp_path)
    assert caught.value.code == "download_failed"
    assert not (tmp_path / "model.gguf").exists()
    assert (tmp_path / "model.gguf.part").stat().st_size == 40_000
    assert (await hub.pull(tmp_path)).read_bytes() == WEIGHTS
    assert hub.ranges[-1] == "bytes=40000-"


async def test_a_server_that_cannot_resume_is_read_from_the_start(hub: Hub, tmp_path: Path) -> None:
    hub.cuts, hub.resumes = [100_000], False
    assert (await hub.pull(tmp_path)).read_bytes() == WEIGHTS


async def test_a_part_that_is_already_whole_is_checked_and_kept(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.gguf.part").write_bytes(WEIGHTS)
    assert (await hub.pull(tmp_path)).read_bytes() == WEIGHTS


async def test_a_part_longer_than_the_file_is_thrown_away(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "model.gguf.part").write_bytes(WEIGHTS + b"more")
    assert (await hub.pull(tmp_path)).read_bytes() == WEIGHTS


@pytest.mark.parametrize("given", [None, "sha256:" + "ab" * 32])
async def test_a_wrong_checksum_is_refused_and_nothing_is_kept(hub: Hub, tmp_path: Path, given: str | None) -> None:
    hub.weights = WEIGHTS[:-1] + b"X"
    with pytest.raises(OrganError, match="SHA-256") as caught:
        await hub.pull(tmp_path, sha256=given)
    assert caught.value.code == "checksum_mismatch"
    assert list(tmp_path.iterdir()) == []


async def test_a_given_checksum_goes_before_the_servers(hub: Hub, tmp_path: Path) -> None:
    hub.tag = '"' + "0" * 64 + '"'
    assert (await hub.pull(tmp_path, sha256=SHA256)).exists()


async def test_without_any_checksum_the_length_is_checked(hub: Hub, tmp_path: Path) -> None:
    hub.tag, hub.cuts = None, [5]
    assert (await hub.pull(tmp_path)).read_bytes() == WEIGHTS


async def test_redirects_without_end_are_left(hub: Hub, tmp_path: Path) -> None:
    hub.loops = True
    with pytest.raises(OrganError, match="redirects more than 5 times"):
        await hub.pull(tmp_path)


async def test_no_network_and_a_refusal_are_told_plainly(hub: Hub, tmp_path: Path, unused_tcp_port: int) -> None:
    with pytest.raises(OrganError, match="Nothing answers") as caught:
        await hub.pull(tmp_path, url=f"http://127.0.0.1:{unused_tcp_port}/m.gguf?token=secret")
    assert caught.value.code == "download_failed"
    assert "secret" not in str(caught.value)
    with pytest.raises(OrganError, match="404") as caught:
        await hub.pull(tmp_path, url=str(hub.server.make_url("/elsewhere.gguf")))
    assert caught.value.code == "download_failed"


async def test_only_https_or_this_machine_and_only_real_checksums(hub: Hub, tmp_path: Path) -> None:
    for url in ("http://example.com/m.gguf", "ftp://127.0.0.1/m.gguf", "file:///etc/passwd"):
        with pytest.raises(UsageError, match="not an https address"):
            await hub.pull(tmp_path, url=url)
    with pytest.raises(UsageError, match="64 hexadecimal"):
        await hub.pull(tmp_path, sha256="abc")


async def test_an_unknown_name_shows_the_list_and_the_nearest(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"Did you mean 'qwen3-4b'\?") as caught:
        await hub.pull(tmp_path, url="qwen3-4")
    assert all(name in caught.value.message for name in KNOWN)
    assert all(url.startswith("https://") and url.endswith(".gguf") for url in KNOWN.values())


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "%EB%AA%A8%EB%8D%B8.gguf", "...", "a b.gguf"])
async def test_a_file_name_never_leaves_its_folder(hub: Hub, tmp_path: Path, name: str) -> None:
    path = await hub.pull(tmp_path, url=str(hub.server.make_url("/storage/")) + name)
    assert path.parent == tmp_path
    assert path.suffix == ".gguf"


async def test_a_folder_that_cannot_be_made_says_so(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OrganError, match="cannot be made"):
        await hub.pull(tmp_path / "file" / "models")
