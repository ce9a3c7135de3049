"""Outgoing HTTP: one pooled aiohttp session, guarded against private addresses unless they are allowed.

The guard checks the address that is connected to, at connect time, so a redirect or a DNS answer that changes
between check and use cannot get around it.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from llmflow.errors import Forbidden, OrganError

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON; OrganError when it is none."""
        try:
            return msgspec.json.decode(self.body)
        except msgspec.DecodeError as error:
            raise OrganError(f"The server answered {self.status} with something that is not JSON.") from error


class Guard:
    """Which addresses may be connected to: public ones, and those `allow` names (hosts or CIDR ranges)."""

    def __init__(self, allow: Sequence[str] = ()) -> None:
        self._hosts = {entry.lower() for entry in allow}
        self._networks = [network for entry in allow if (network := _network(entry))]

    def check(self, host: str, address: str) -> None:
        """Raises Forbidden (address_blocked) for an address that is not public and not allowed."""
        ip = _unmapped(ipaddress.ip_address(address.split("%", 1)[0]))
        if ip.is_global and not ip.is_multicast and not any(ip in network for network in _NOT_PUBLIC):
            return
        if host.lower() in self._hosts or any(ip in network for network in self._networks):
            return
        raise Forbidden(f"{host} is at {ip}, which is not a public address.", code="address_blocked")


class MetadataGuard:
    """For addresses an administrator gives: the company's own network is meant, a cloud's own services are not.

    Machines in a cloud get their credentials from such an address; no model is served there.
    """

    def check(self, host: str, address: str) -> None:
        """Raises Forbidden (address_blocked) for a link-local address or a cloud's metadata service."""
        ip = _unmapped(ipaddress.ip_address(address.split("%", 1)[0]))
        if ip.is_link_local or ip.is_multicast or ip in _METADATA:
            raise Forbidden(
                f"{host} is at {ip}, where a cloud keeps its machines' credentials.",
                code="address_blocked",
                hint="Give the address of a model server.",
            )


#: AWS over IPv6, Alibaba, Azure, Oracle; the usual 169.254.169.254 is link-local.
_METADATA = frozenset(map(ipaddress.ip_address, ("fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")))


def _network(entry: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return None


#: NAT64, IPv4-compatible, IPv4-translated.
_V4_INSIDE = tuple(ipaddress.IPv6Network(net) for net in ("64:ff9b::/96", "::/96", "::ffff:0:0:0/96"))
_ISATAP = (0x00005EFE, 0x02005EFE)  # before the IPv4 address in the lower half, under any prefix
#: What Python's `is_global` lets through and nobody on the internet is at.
_NOT_PUBLIC = tuple(
    map(
        ipaddress.ip_network,
        (
            "168.63.129.16/32",  # Azure's own services, also credentials
            "192.0.0.0/24",  # Oracle's, and protocols' own
            "192.88.99.0/24",  # relays of 6to4
            "64:ff9b:1::/48",  # NAT64 where the IPv4 address stands is each network's own choice
            "fec0::/10",  # site-local, as it once was
            "5f00::/16",  # segment routing
            "3fff::/20",  # documentation
        ),
    )
)


def _unmapped(ip: IPAddress) -> IPAddress:
    """IPv4 hidden in IPv6 (mapped, 6to4, NAT64, compatible, translated, ISATAP) as IPv4: what is really reached."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return ip.ipv4_mapped
        if ip.sixtofour:
            return ip.sixtofour
        inside = any(ip in network for network in _V4_INSIDE) or (int(ip) >> 32) & 0xFFFFFFFF in _ISATAP
        if int(ip) > 1 and inside:
            return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


class _GuardedResolver(AbstractResolver):
    """Resolves names, then asks the guard about each address before anything connects."""

    def __init__(self, guard: Guard | MetadataGuard) -> None:
        self._inner = ThreadedResolver()
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        for entry in found:
            self._guard.check(host, entry["host"])
        return found

    async def close(self) -> None:
        await self._inner.close()


class HttpClient:
    """One client for one purpose: `guard=None` for organs the operator named, a MetadataGuard for addresses an
    administrator gives, a Guard for addresses users give."""

    def __init__(self, *, guard: Guard | MetadataGuard | None = None, connections: int = 200) -> None:
        self._guard = guard
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        timeout_s: float = 60.0,
        max_bytes: int = 64 * 1024 * 1024,
    ) -> Response:
        """One exchange, body read whole. Raises OrganError (organ_unavailable, model_timeout) when there is none."""
        async with self.stream(method, url, headers=headers, json=json, data=data, timeout_s=timeout_s) as answer:
            body = bytearray()
            async for piece in answer.pieces():
                body += piece
                if len(body) > max_bytes:
                    raise OrganError(f"{_shown(url)} answered more than {max_bytes} bytes.")
            return Response(answer.status, answer.headers, bytes(body))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: bytes | None = None,
        timeout_s: float = 60.0,
        connect_s: float = 10.0,
        verify: bool = True,
    ) -> AsyncIterator[StreamedResponse]:
        """One exchange, body read as it comes; `timeout_s` bounds each wait, not the whole. Redirects are not followed.
        A URL that is encoded already is sent as it is.

        `connect_s` bounds the wait for a connection. `verify=False`: any certificate will do.

        Raises OrganError (organ_unavailable, model_timeout) and Forbidden (address_blocked)."""
        self._check_literal(_parsed(url))
        sent = dict(headers or {})
        if json is not None:
            data = msgspec.json.encode(json)
            sent["Content-Type"] = "application/json"
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=min(timeout_s, connect_s), sock_read=timeout_s)
        try:
            async with self._open().request(
                method, url, headers=sent, data=data, timeout=timeout, allow_redirects=False, ssl=verify
            ) as response:
                yield StreamedResponse(response)
        except TimeoutError as error:
            raise OrganError(f"{_shown(url)} did not answer in {timeout_s:g} s.", code="model_timeout") from error
        except (aiohttp.ClientError, OSError) as error:
            raise OrganError(f"{_shown(url)} cannot be reached: {error or type(error).__name__}.") from error

    def _check_literal(self, url: URL) -> None:
        """Addresses written as numbers never meet the resolver; ask the guard here."""
        if self._guard is None:
            return
        host = (url.host or "").strip("[]")
        try:
            ipaddress.ip_address(host.split("%", 1)[0])
        except ValueError:
            return
        self._guard.check(host, host)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            resolver = _GuardedResolver(self._guard) if self._guard else None
            connector = aiohttp.TCPConnector(limit=self._connections, resolver=resolver)
            jar = aiohttp.DummyCookieJar()  # what one exchange is told, no other may repeat
            self._session = aiohttp.ClientSession(
                connector=connector, auto_decompress=True, trust_env=False, cookie_jar=jar
            )
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None


class StreamedResponse:
    """An answer whose body is still coming."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        async for piece in self._response.content.iter_any():
            yield piece


def _parsed(url: str | URL) -> URL:
    """Raises OrganError for what is no http address."""
    try:
        parts = URL(url)
        host = parts.host and parts.raw_host  # decoding it finds out whether it can be one
    except ValueError:
        parts, host = URL(), None
    if parts.scheme not in ("http", "https") or not host or not _can_be_asked_for(host):
        raise OrganError("The address is not one of http:// or https://.", hint="Correct the url in llmflow.yaml.")
    return parts


def _can_be_asked_for(host: str) -> bool:
    """Whether DNS has a place for each part of the name; Python raises UnicodeError where it has none."""
    return all(0 < len(part) < 64 for part in host.removesuffix(".").split("."))


def _shown(url: str | URL) -> str:
    """The address without query and user, which may hold secrets."""
    parts = URL(url)
    return str(parts.with_query(None).with_fragment(None).with_user(None))
