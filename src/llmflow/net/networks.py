"""Which client addresses count as one, where something is limited by address."""

from __future__ import annotations

import ipaddress


def network_of(host: str) -> str:
    """The address that is counted: an IPv4 address, or the /64 an IPv6 address lies in, which one household has."""
    try:
        address = ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
