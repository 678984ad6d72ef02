"""Whether the addresses that are denied are those of clients, or of a proxy in front of the gateway."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from log_sentinel.daemon.findings.cdns import operator_of
from log_sentinel.daemon.findings.finding import Finding, Notice, State

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

# From so many denials on, one address with more than half of them is worth a look.
ENOUGH_DENIALS = 100
TODO = "Name it in trusted_proxies of the source, and let the gateway log X-Forwarded-For."
TODO_CDN = (
    "Name its networks in trusted_proxies of the source, and let the gateway log X-Forwarded-For or the CDN's header."
)


def findings(by_address: pl.DataFrame, total: int) -> Iterator[Finding]:
    """`by_address`: ip and n, the most denied first (store.vitals.BY_ADDRESS); `total`: all denials."""
    if by_address.is_empty() or total < ENOUGH_DENIALS:
        return
    address, most = by_address.row(0)
    if most * 2 > total and not ipaddress.ip_address(address).is_global:
        says = (
            f"{address}, which is no address of the Internet, has {most} of {total} denials: you are seeing your proxy"
        )
        yield Finding(State.WRONG, "addresses", says, TODO, Notice.PROXY)
        return
    of_cdns: dict[str, int] = {}
    for address, n in by_address.iter_rows():
        if (operator := operator_of(address)) is not None:
            of_cdns[operator] = of_cdns.get(operator, 0) + n
    operator, n = max(of_cdns.items(), key=lambda one: one[1], default=("", 0))
    if n * 2 > total:
        says = f"addresses of {operator} have {n} of {total} denials: you are seeing your CDN"
        yield Finding(State.WRONG, "addresses", says, TODO_CDN, Notice.PROXY)
