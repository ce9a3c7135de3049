"""Where an HTTP node may not go, in every way to write it: at once, by a redirect, or by a name that changes."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from llmflow.net import client
from llmflow.net.client import Guard, HttpClient
from llmflow.net.exchange import Exchange
from llmflow.workflow.context import Outside
from llmflow.workflow.events import WorkflowFinished
from tests.workflow.graphs import graph, node, run, start

#: Ways to write loopback; the port is put where {port} stands.
LOOPBACK = [
    "http://127.0.0.1:{port}/",
    "http://127.1.2.3:{port}/",
    "http://2130706433:{port}/",  # one number
    "http://017700000001:{port}/",  # in octal
    "http://0x7f000001:{port}/",  # in hex
    "http://0x7f.0x0.0x0.0x1:{port}/",
    "http://0177.0.0.01:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://0:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    "http://[::ffff:127.0.0.1]:{port}/",  # mapped
    "http://[::ffff:7f00:1]:{port}/",
    "http://[0:0:0:0:0:ffff:7f00:0001]:{port}/",
    "http://[::127.0.0.1]:{port}/",  # compatible
    "http://[::ffff:0:7f00:1]:{port}/",  # translated
    "http://[2002:7f00:1::]:{port}/",  # 6to4
    "http://[64:ff9b::7f00:1]:{port}/",  # NAT64
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2001:0:53aa:64c:0:0:80ff:fffe]:{port}/",  # Teredo
    "http://[2606:4700::5efe:7f00:1]:{port}/",  # ISATAP
    "http://[::1%25lo]:{port}/",  # with a zone
    "http://[fe80::1%25eth0]:{port}/",
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://１２７.０.０.１:{port}/",  # full-width digits
    "http://①②⑦.⓪.⓪.①:{port}/",  # circled ones
    "http://127。0。0。1:{port}/",  # other full stops
    "http://127．0．0．1:{port}/",
    "http://127｡0｡0｡1:{port}/",
    "http://ｌｏｃａｌｈｏｓｔ:{port}/",
    "http://𝟏𝟐𝟕.𝟎.𝟎.𝟏:{port}/",
    "http://%31%32%37.0.0.1:{port}/",  # escaped
    "http://example.com@127.0.0.1:{port}/",  # a user that looks like a host
    "http://example.com:80@127.0.0.1:{port}/",
    "http://example.com%40127.0.0.1:{port}/",
    "http://127.0.0.1:{port}#@example.com/",
    "http://127.0.0.1:{port}?@example.com/",
    "http://127.0.0.1:{port}\\@example.com/",
    "http://127.0.0.1%00.example.com:{port}/",
    "http://127.0.0.1 .example.com:{port}/",
    "  http://127.0.0.1:{port}/",
    "http:127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "https://127.0.0.1:{port}/",
    "http://2852039166/",  # the clouds' metadata, as one number
    "http://0251.0376.0251.0376/",
]
METADATA = [
    "http://169.254.169.254/latest/meta-data/",
    "http://0xa9fea9fe/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[fd00:ec2::254]/",
    "http://169.254.170.2/v2/credentials",
    "http://168.63.129.16/machine",
    "http://100.100.100.200/",
    "http://192.0.0.192/",
    "http://10.0.0.1/",
    "http://172.31.255.255/",
    "http://192.168.0.1/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
]
SCHEMES = [
    "file:///etc/passwd",
    "file://127.0.0.1/etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "dict://127.0.0.1:{port}/",
    "ldap://127.0.0.1:{port}/",
    "tftp://127.0.0.1:{port}/",
    "ws://127.0.0.1:{port}/",
    "jar:http://127.0.0.1:{port}!/",
    "data:text/plain,secret",
    "javascript:alert(1)",
    "unix:///var/run/docker.sock",
    "//127.0.0.1:{port}/",
    "127.0.0.1:{port}",
    "/etc/passwd",
    "http://",
    "",
]


@dataclass
class Site:
    """A secret on loopback, and beside it a server that sends its readers to where `to` says."""

    port: int = 0
    start: int = 0
    secrets: list[str] = field(default_factory=list)

    async def tell(self, request: web.Request) -> web.StreamResponse:
        self.secrets.append(request.raw_path)
        return web.Response(text="secret")

    async def send_away(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": request.query["to"]})
        return web.Response(status=404)


@pytest.fixture(scope="module")
async def site() -> AsyncIterator[Site]:
    site = Site()
    async with served(site.tell) as site.port, served(site.send_away) as site.start:
        yield site


@asynccontextmanager
async def served(answer: Any) -> AsyncIterator[int]:
    """The port."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


@asynccontextmanager
async def outside(*allow: str) -> AsyncIterator[Outside]:
    http = HttpClient(guard=Guard(allow))
    try:
        yield Outside(http=Exchange(http, redirects=3))
    finally:
        await http.close()


async def asked(around: Outside, url: str) -> WorkflowFinished:
    data: dict[str, Any] = {"url": url, "timeout": {"connect": 3, "read": 3}}
    last, _ = await run(graph([start(), node("h", "http-request", **data)], "start > h"), outside=around)
    assert isinstance(last, WorkflowFinished)
    return last


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("url", [*LOOPBACK, *METADATA, *SCHEMES])
async def test_it_is_refused_at_once(site: Site, url: str) -> None:
    site.secrets.clear()
    async with outside() as around:
        last = await asked(around, url.format(port=site.port))
    assert last.error_code == "address_blocked" if url in METADATA else last.status == "failed"
    assert site.secrets == []


@pytest.mark.parametrize("url", [*LOOPBACK, *METADATA, *SCHEMES])
async def test_it_is_refused_as_the_target_of_a_redirect(site: Site, url: str) -> None:
    """The first address is allowed by its name. What is no whole address stays on that server, which has nothing."""
    site.secrets.clear()
    async with outside("start.example") as around:
        target = quote(url.format(port=site.port), safe="")
        last = await asked(around, f"http://start.example:{site.start}/away?to={target}")
    assert site.secrets == []
    if url in METADATA:
        assert last.error_code == "address_blocked"


class FakeDns(AbstractResolver):
    """start.example is loopback; any other name has the next of these addresses at each question."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host == "start.example":
            return [_result(host, "127.0.0.1", port)]
        if not self._addresses:
            return await ThreadedResolver().resolve(host, port, family)
        address = self._addresses[min(self.asked, len(self._addresses) - 1)]
        self.asked += 1
        return [_result(host, address, port)]

    async def close(self) -> None:
        """Holds nothing."""


def _result(host: str, address: str, port: int) -> ResolveResult:
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)


@pytest.fixture(autouse=True)
def dns(monkeypatch: pytest.MonkeyPatch) -> None:
    """start.example is known without a network; everything else is the system's."""
    monkeypatch.setattr(client, "ThreadedResolver", FakeDns)


async def test_a_name_is_looked_at_anew_each_time_it_is_connected_to(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first answer is public, the next ones are not: nothing that was checked before counts."""
    site.secrets.clear()
    names = FakeDns("127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "10.0.0.1")
    monkeypatch.setattr(client, "ThreadedResolver", lambda: names)
    async with outside() as around:
        for _ in range(4):
            last = await asked(around, f"http://rebind.example:{site.port}/")
            assert last.error_code == "address_blocked"
    assert names.asked == 4
    assert site.secrets == []


async def test_a_name_that_turns_while_it_is_redirected_to_is_stopped(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.secrets.clear()
    monkeypatch.setattr(client, "ThreadedResolver", lambda: FakeDns("169.254.169.254"))
    async with outside("start.example") as around:
        last = await asked(around, f"http://start.example:{site.start}/away?to=http://rebind.example:{site.port}/")
    assert last.error_code == "address_blocked"
    assert site.secrets == []


async def test_what_the_workspace_allows_is_reached(site: Site) -> None:
    site.secrets.clear()
    async with outside("127.0.0.0/8") as around:
        last = await asked(around, f"http://127.0.0.1:{site.port}/inside")
    assert last.status == "succeeded"
    assert site.secrets == ["/inside"]
