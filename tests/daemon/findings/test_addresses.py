from __future__ import annotations

import polars as pl
import pytest

from log_sentinel.daemon.findings.addresses import findings
from log_sentinel.daemon.findings.cdns import operator_of
from log_sentinel.daemon.findings.finding import Notice, State
from log_sentinel.store.vitals import BY_ADDRESS


def denied(**by_address: int) -> tuple[pl.DataFrame, int]:
    rows = sorted(((ip.replace("_", "."), n) for ip, n in by_address.items()), key=lambda row: -row[1])
    return pl.DataFrame(rows, schema=BY_ADDRESS, orient="row"), sum(by_address.values())


@pytest.mark.parametrize("proxy", ["10.0.0.7", "127.0.0.1", "fd00::1", "100.64.3.2"])
def test_an_address_of_no_network_of_the_internet_is_a_proxy(proxy: str) -> None:
    [found] = findings(*denied(**{proxy: 90, "8.8.8.8": 30}))

    assert (State.WRONG, Notice.PROXY) == (found.state, found.notice)
    assert (
        f"{proxy}, which is no address of the Internet, has 90 of 120 denials: you are seeing your proxy" == found.says
    )
    assert "trusted_proxies" in found.todo


def test_many_addresses_of_one_cdn_are_one_finding() -> None:
    edge = {f"172.64.0.{n}": 3 for n in range(40)}

    [found] = findings(*denied(**edge, **{"8.8.8.8": 50}))

    assert "addresses of Cloudflare have 120 of 170 denials: you are seeing your CDN" == found.says
    assert Notice.PROXY is found.notice


@pytest.mark.parametrize(
    "by_address",
    [{}, {"10.0.0.7": 99}, {"10.0.0.7": 60, "8.8.8.8": 60}, {"8.8.8.8": 500, "9.9.9.9": 1}],
    ids=["nothing", "too few", "half", "an attacker"],
)
def test_other_denials_say_nothing_of_a_proxy(by_address: dict[str, int]) -> None:
    assert [] == list(findings(*denied(**by_address)))


@pytest.mark.parametrize(
    ("address", "operator"),
    [
        ("104.16.0.1", "Cloudflare"),
        ("2606:4700::1", "Cloudflare"),
        ("151.101.1.6", "Fastly"),
        ("2a04:4e42::5", "Fastly"),
        ("8.8.8.8", None),
        ("2001:db8::1", None),
    ],
)
def test_the_edges_of_cdns_are_known_by_their_networks(address: str, operator: str | None) -> None:
    assert operator == operator_of(address)
