"""Addresses: one spelling each, their networks, and the client's own behind trusted proxies."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

HOPS, HEADER_LIMIT = 32, 1024
OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
IPV4 = re.compile(rf"{OCTET}(?:\.{OCTET}){{3}}")
WITH_PORT = re.compile(r"\[([0-9A-Fa-f:.%a-z]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
# RFC 7239 section 4: for="[2001:db8::1]:4711", names in any case
FOR = re.compile(r"""(?:^|[;,\s])for\s*=\s*("(?:[^"\\]|\\.)*"|[^;,\s]*)""", re.IGNORECASE)


def canonical(text: str) -> str | None:
    """`text` as one spells it: IPv4 in IPv6 unwrapped, zone and port off, lower case; None for what is no address."""
    return text if IPV4.fullmatch(text) else _spelt(text)


def network(address: str) -> str:
    """The /24 or /64 around a canonical address."""
    return _network(address) if ":" in address else address.rpartition(".")[0] + ".0/24"


class TrustedProxies:
    """Who may say on whose behalf they ask. Nobody by default."""

    def __init__(self, networks: Iterable[str]) -> None:
        """`networks` in CIDR notation, or single addresses. Raises ValueError for anything else."""
        self.networks = tuple(ip_network(each, strict=False) for each in networks)
        self._trusts = lru_cache(maxsize=65_536)(self._looked_up)

    def __bool__(self) -> bool:
        return bool(self.networks)

    def trusts(self, address: str) -> bool:
        """Whether the canonical `address` is a trusted proxy's."""
        return self._trusts(address)

    def client(self, peer: str | None, forwarded_for: str | None) -> str | None:
        """The rightmost address of `peer` and the X-Forwarded-For list before it that is not a trusted proxy's.

        What stands left of that address was written by nobody we trust. Something unreadable ends the walk at the
        last good address. All trusted: the leftmost.
        """
        if peer is None or not forwarded_for or not self.networks or not self.trusts(peer):
            return peer
        best = peer
        for hop in reversed(_last_hops(forwarded_for)):
            if not hop.strip():
                continue
            address = canonical(hop.strip())
            if address is None:
                return best
            best = address
            if not self.trusts(address):
                return best
        return best

    def _looked_up(self, address: str) -> bool:
        found = ip_address(address)
        return any(found.version == each.version and found in each for each in self.networks)


def forwarded_as_list(header: str) -> str:
    """The for= addresses of a Forwarded header as X-Forwarded-For would list them."""
    elements = ",".join(_last_hops(header))
    return ", ".join(found[1].strip('"').replace("\\", "") for found in FOR.finditer(elements))


def _last_hops(header: str) -> list[str]:
    """The last elements of a comma list; one that the length limit tore is left out."""
    hops = header[-HEADER_LIMIT:].split(",")
    return (hops[1:] if len(header) > HEADER_LIMIT else hops)[-HOPS:]


@lru_cache(maxsize=65_536)
def _spelt(text: str) -> str | None:
    address = _address(text)
    return None if address is None else str(address)


@lru_cache(maxsize=65_536)
def _network(address: str) -> str:
    return str(ip_network(f"{address}/64", strict=False))


def _address(text: str) -> IPv4Address | IPv6Address | None:
    ported = WITH_PORT.fullmatch(text)
    if ported is not None:
        text = ported[1] or ported[2]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
