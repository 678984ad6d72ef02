"""Addresses that name nobody, and what is still seen with them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from log_sentinel.content import shipped
from log_sentinel.diagnosis.companions import explained
from log_sentinel.diagnosis.verdict import judge
from log_sentinel.parsing import parser as parser_module
from log_sentinel.parsing.companions import ErrorLogParser
from log_sentinel.parsing.error_logs import load
from log_sentinel.parsing.pseudonyms import Hashed, concealing, truncated, without_addresses
from tests.parsing.builders import batch, definition, line, parser

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS: dict[str, Callable[[str], str]] = {"truncated": truncated, "hashed": Hashed("a key")}
addresses = st.ip_addresses().map(lambda address: getattr(address, "ipv4_mapped", None) or address).map(str)


@given(address=addresses, other=addresses)
def test_a_pseudonym_is_an_address_and_one_of_its_own(address: str, other: str) -> None:
    hashed = WAYS["hashed"]

    assert ip_address(hashed(address)) in ip_network("fd00::/8")
    assert (hashed(address) == hashed(other)) == (address == other)
    assert Hashed("a key")(address) == hashed(address) != Hashed("another")(address)


def test_addresses_of_one_network_have_pseudonyms_of_one_network() -> None:
    for one, two, elsewhere in (
        ("203.0.113.7", "203.0.113.9", "203.0.114.7"),
        ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"),
    ):
        first, second, third = (
            ip_network(f"{WAYS['hashed'](each)}/64", strict=False) for each in (one, two, elsewhere)
        )
        assert first == second != third


def test_a_truncated_address_is_its_networks_first() -> None:
    assert ["203.0.113.0", "2001:db8:1:2::"] == [truncated("203.0.113.7"), truncated("2001:db8:1:2:3:4:5:6")]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("small", [0, 10**12])
@pytest.mark.parametrize("proxies", [(), ("10.0.0.0/8",)])
def test_nothing_that_is_stored_has_a_clients_address(
    way: str, small: int, proxies: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser_module, "SMALL", dict.fromkeys(("text", "json"), small))
    told = line(403) * 3 + line(200, ip="203.0.113.8") + "203.0.113.7 2001:db8::7 03:33:33 unreadable\n"
    parsed = parser(conceal=WAYS[way], trusted_proxies=proxies).parse(batch(told))

    everything = "".join(
        frame.write_csv() for frame in (parsed.denials, parsed.traffic, parsed.activity, parsed.rejects)
    )
    assert "203.0.113.7" not in everything
    assert "203.0.113.8" not in everything
    assert "2001:db8" not in everything
    assert parsed.denials["ip"].to_list() == parsed.denials["peer_ip"].to_list() == [WAYS[way]("203.0.113.7")] * 3
    assert ["[address] [address] 03:33:33 unreadable"] == parsed.rejects["sample"].to_list()


def test_an_error_log_still_explains_its_requests() -> None:
    log = load(shipped("parsers") / "error-logs" / "nginx-error.toml")
    entry = (
        "2026/11/24 03:33:33 [error] 1#1: *7 access forbidden by rule, client: 203.0.113.7, server: _, "
        'request: "GET /v1/orders/42 HTTP/1.1", host: "x"\n'
    )
    hashed = WAYS["hashed"]
    judged = judge(parser(conceal=hashed).parse(batch(line(403))).denials, definition("nginx-combined"))
    companions = ErrorLogParser(log, "UTC", hashed).parse(batch(entry)).companions

    assert ["ip_restriction"] == explained(judged, companions, log)["cause"].to_list()
    assert [hashed("203.0.113.7")] == companions["client"].to_list()


def test_plain_is_no_change() -> None:
    assert concealing("plain", "") is None


def test_only_addresses_are_masked() -> None:
    told = "203.0.113.7:80 [2001:db8::7]:80 ::1 1.2.3 24/Nov/2026:03:33:33 1.2.3.4.5 fe80::1%eth0 a::b"

    assert "[address]:80 [[address]]:80 [address] 1.2.3 24/Nov/2026:03:33:33 1.2.3.4.5 [address]%eth0 [address]" == (
        without_addresses(told)
    )
