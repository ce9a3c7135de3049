"""The outgoing client: what the guard lets through, and what it never does, whatever the address is called."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from llmflow.errors import Forbidden, OrganError
from llmflow.net import client
from llmflow.net.client import Guard, HttpClient, MetadataGuard

BLOCKED = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",  # the clouds' metadata
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",  # IPv4-mapped
    "::ffff:7f00:1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",  # 6to4 of 127.0.0.1
    "2002:a00:1::1",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::7f00:1",  # NAT64, local use
    "::127.0.0.1",  # IPv4-compatible
    "2001:0:0:0:0:0:0:1",  # Teredo
    "2001:0:53aa:64c:0:0:80ff:fffe",  # Teredo of 127.0.0.1
    "::ffff:0:7f00:1",  # IPv4-translated
    "2606:4700::5efe:7f00:1",  # ISATAP under a public prefix
    "2606:4700::200:5efe:a9fe:a9fe",
    "168.63.129.16",  # Azure, though the address is public
    "::ffff:168.63.129.16",
    "64:ff9b::168.63.129.16",
    "192.0.0.192",  # Oracle
    "100.100.100.200",  # Alibaba
    "169.254.170.2",  # containers at AWS
    "fec0::1",  # site-local
    "3fff::1",
    "5f00::1",
    "198.18.0.1",
    "240.0.0.1",
    "192.88.99.1",
]


@pytest.mark.parametrize("address", BLOCKED)
def test_no_private_address_passes(address: str) -> None:
    with pytest.raises(Forbidden) as caught:
        Guard().check("evil.example", address)
    assert caught.value.code == "address_blocked"
    assert "evil.example" in caught.value.message


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "2606:4700::1111",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
        "2606:4700::5efe:808:808",
    ],
)
def test_public_addresses_pass(address: str) -> None:
    Guard().check("example.com", address)


def test_what_is_allowed_by_host_or_range_passes() -> None:
    guard = Guard(["intranet.local", "10.0.0.0/8", "192.168.7.9", "fd00::/8"])
    guard.check("INTRANET.local", "172.16.0.1")
    guard.check("any", "10.200.0.1")
    guard.check("any", "::ffff:10.0.0.1")
    guard.check("any", "192.168.7.9")
    guard.check("any", "fd12::1")
    for host, address in [("any", "172.16.0.1"), ("any", "192.168.7.8"), ("intranet.local.evil.example", "10.0.0.1")]:
        if address.startswith("10."):
            guard.check(host, address)  # by range, whatever the name
            continue
        with pytest.raises(Forbidden):
            guard.check(host, address)


@dataclass
class Site:
    """A server on loopback that notes what reaches it."""

    port: int = 0
    seen: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.seen.append(request.path)
        if request.path == "/away":
            return web.Response(status=302, headers={"Location": f"http://127.0.0.1:{self.port}/secret"})
        if request.path == "/slow":
            await self.over.wait()
        if request.path == "/big":
            return web.Response(body=b"x" * 5000)
        if request.path == "/lines":
            return web.Response(text="data: 한글\r\n\r\ndata: 2\nrest")
        return web.json_response({"path": request.path})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", site.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.port = runner.addresses[0][1]
    yield site
    site.over.set()
    await runner.cleanup()


Make = Callable[..., HttpClient]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Clients that are closed at the end."""
    made: list[HttpClient] = []

    def call(guard: Guard | None = None) -> HttpClient:
        made.append(HttpClient(guard=guard))
        return made[-1]

    yield call
    for http in made:
        await http.close()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "2130706433",  # 127.0.0.1 as one number
        "0x7f000001",
        "0177.0.0.1",  # octal
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "127.0.0.1.",
        "①27.0.0.1",  # a letter that normalises to 1
        "user@127.0.0.1",
    ],
)
async def test_loopback_is_not_reached_under_any_of_its_names(host: str, site: Site, make: Make) -> None:
    with pytest.raises((Forbidden, OrganError)):
        await make(Guard()).request("GET", f"http://{host}:{site.port}/secret", timeout_s=5)
    assert site.seen == []


async def test_without_a_guard_the_operators_addresses_are_reached(site: Site, make: Make) -> None:
    answer = await make().request("GET", f"http://127.0.0.1:{site.port}/models")
    assert (answer.status, answer.json()) == (200, {"path": "/models"})


async def test_an_allowed_address_is_reached(site: Site, make: Make) -> None:
    answer = await make(Guard(["127.0.0.0/8"])).request("GET", f"http://127.0.0.1:{site.port}/ok")
    assert answer.json() == {"path": "/ok"}


class FakeDns(AbstractResolver):
    """Answers each question for a name with the next of these addresses."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked = 0

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        address = self.addresses[min(self.asked, len(self.addresses) - 1)]
        self.asked += 1
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0)]

    async def close(self) -> None:
        """Holds nothing."""


async def test_a_name_that_turns_to_loopback_is_stopped_when_it_does(
    site: Site, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns = FakeDns("127.0.0.1", "10.0.0.1", "::ffff:127.0.0.1")
    monkeypatch.setattr(client, "ThreadedResolver", lambda: dns)
    http = make(Guard())
    for _ in range(3):
        with pytest.raises(Forbidden) as caught:
            await http.request("GET", f"http://rebind.example:{site.port}/secret", timeout_s=5)
        assert caught.value.code == "address_blocked"
    assert site.seen == []
    assert dns.asked == 3


async def test_one_bad_address_among_good_ones_stops_all(
    site: Site, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Both(FakeDns):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return [*await super().resolve(host, port), *await super().resolve(host, port)]

    monkeypatch.setattr(client, "ThreadedResolver", lambda: Both("8.8.8.8", "127.0.0.1"))
    with pytest.raises(Forbidden):
        await make(Guard()).request("GET", f"http://both.example:{site.port}/secret", timeout_s=5)
    assert site.seen == []


async def test_the_checked_address_is_the_one_that_is_connected_to(
    site: Site, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    dns = FakeDns("127.0.0.1", "169.254.169.254")
    monkeypatch.setattr(client, "ThreadedResolver", lambda: dns)
    answer = await make(Guard(["127.0.0.1"])).request("GET", f"http://once.example:{site.port}/a")
    assert answer.json() == {"path": "/a"}
    assert dns.asked == 1


async def test_a_redirect_is_an_answer_not_a_journey(site: Site, make: Make) -> None:
    answer = await make(Guard(["127.0.0.1"])).request("GET", f"http://127.0.0.1:{site.port}/away")
    assert answer.status == 302
    assert site.seen == ["/away"]


async def test_proxies_of_the_environment_are_not_used(site: Site, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert (await make().request("GET", f"http://127.0.0.1:{site.port}/ok")).status == 200


async def test_silence_ends_with_a_coded_error(site: Site, make: Make) -> None:
    with pytest.raises(OrganError) as caught:
        await make().request("GET", f"http://127.0.0.1:{site.port}/slow", timeout_s=0.2)
    assert caught.value.code == "model_timeout"


async def test_nobody_there_is_a_coded_error_without_the_urls_secrets(make: Make) -> None:
    with pytest.raises(OrganError) as caught:
        await make().request("GET", "http://user:hunter2@127.0.0.1:1/v1?key=hunter3")
    assert caught.value.code == "organ_unavailable"
    assert "hunter" not in str(caught.value)
    assert "127.0.0.1:1" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "http://",
        "ftp://example.com/x",
        "http://[::1",
        "http://a b/",
        "file:///etc/passwd",
        "http://xn--a/",
        f"http://{'a' * 64}/",
    ],
)
async def test_what_is_no_web_address_is_a_coded_error(url: str, make: Make) -> None:
    for guard in (None, Guard()):
        with pytest.raises((OrganError, Forbidden)):
            await make(guard).request("GET", url, timeout_s=5)


async def test_an_answer_larger_than_asked_for_is_cut_off(site: Site, make: Make) -> None:
    with pytest.raises(OrganError, match="more than 1000 bytes"):
        await make().request("GET", f"http://127.0.0.1:{site.port}/big", max_bytes=1000)


async def test_json_that_is_none_is_a_coded_error(site: Site, make: Make) -> None:
    answer = await make().request("GET", f"http://127.0.0.1:{site.port}/lines")
    with pytest.raises(OrganError, match="not JSON"):
        answer.json()


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "169.254.170.2",
        "fe80::1%eth0",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "2002:a9fe:a9fe::",  # 6to4 of it
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "224.0.0.1",
    ],
)
def test_a_clouds_metadata_is_kept_from_administrators_addresses_too(address: str) -> None:
    with pytest.raises(Forbidden) as caught:
        MetadataGuard().check("models.example", address)
    assert caught.value.code == "address_blocked"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "::1", "fd12:3456::1", "8.8.8.8", "0.0.0.0"]
)
def test_the_companys_own_network_is_open_to_administrators_addresses(address: str) -> None:
    MetadataGuard().check("models.example", address)
