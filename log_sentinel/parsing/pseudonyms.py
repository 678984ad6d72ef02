"""Addresses that name nobody: cut to their network, or replaced by what only the holder of a key can find again.

A hashed address is an address still, in fd00::/8 (RFC 4193), so that everything that reads addresses goes on: its /64
is the pseudonym of the network (/24 or /64) that the true one is in, its last half that of the address itself. Spikes
of one address, of one network and of many addresses are seen as before. Two processes with one key agree.
"""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv6Address
from typing import TYPE_CHECKING

from log_sentinel.parsing.addresses import IPV4, canonical, network

if TYPE_CHECKING:
    from collections.abc import Callable

REMEMBERED = 65_536
MASK = "[address]"
# in a line that nobody could read: an address of the old kind, and what may be one of the new
OLD, MAY_BE_NEW = (
    re.compile(rf"(?<![\w.]){IPV4.pattern}(?![\w.])"),
    re.compile(r"(?<![\w:])[0-9A-Fa-f:]{2,39}(?![\w:])"),
)


def concealing(how: str, key: str) -> Callable[[str], str] | None:
    """What makes of a canonical address the one that is stored; None for "plain", where that is the address itself.

    `how`: plain, truncated or hashed; `key` is for hashed.
    """
    match how:
        case "truncated":
            return truncated
        case "hashed":
            return Hashed(key)
    return None


def truncated(address: str) -> str:
    """The first address of the /24 or /64 around a canonical address."""
    return network(address).partition("/")[0]


class Hashed:
    """Pseudonyms under one key. Threads may share one."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()
        self._known = lru_cache(maxsize=REMEMBERED)(self._made)

    def __call__(self, address: str) -> str:
        return self._known(address)

    def _made(self, address: str) -> str:
        around, itself = (hmac.digest(self._key, part.encode(), sha256) for part in (network(address), address))
        return str(IPv6Address(b"\xfd" + around[:7] + itself[:8]))


def without_addresses(text: str) -> str:
    """`text` with everything in it that is an address masked."""

    def masked(found: re.Match[str]) -> str:
        return MASK if ":" in found[0] and canonical(found[0]) is not None else found[0]

    return MAY_BE_NEW.sub(masked, OLD.sub(MASK, text))
