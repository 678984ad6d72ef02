from __future__ import annotations

import pytest

from log_sentinel.parsing.addresses import TrustedProxies, canonical, forwarded_as_list, network


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:4711", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("2001:0db8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("unix:", None),
        ("unknown", None),
        ("_hidden", None),
        ('"><script>', None),
        ("203.0.113.07", None),
        ("203.0.113.256", None),
        ("٢.0.113.7", None),
        ("", None),
    ],
)
def test_an_address_has_one_spelling(text: str, address: str | None) -> None:
    assert address == canonical(text)


def test_networks_are_24_and_64_bits_wide() -> None:
    assert (network("203.0.113.7"), network("2001:db8:1:2::9")) == ("203.0.113.0/24", "2001:db8:1:2::/64")


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        ("10.0.0.1", "198.51.100.4", "198.51.100.4"),
        ("10.0.0.1", "1.2.3.4, 198.51.100.4, 10.0.0.2", "198.51.100.4"),
        ("10.0.0.1", "198.51.100.4, garbage, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "198.51.100.4:99,, ", "198.51.100.4"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("203.0.113.7", "198.51.100.4", "203.0.113.7"),
        ("10.0.0.1", "8.8.8.8, " + "1" * 2000 + ", 198.51.100.4", "198.51.100.4"),
        (None, "198.51.100.4", None),
    ],
)
def test_the_rightmost_address_that_is_not_trusted_is_the_client(
    peer: str | None, forwarded_for: str | None, client: str | None
) -> None:
    assert client == TrustedProxies(["10.0.0.0/8"]).client(peer, forwarded_for)


def test_an_address_that_the_length_limit_tore_is_not_read() -> None:
    # cut at 1024 bytes, the first hop would read 3.0.113.9
    header = "203.0.113.9" + ", 10.0.0.2" * 102

    assert TrustedProxies(["10.0.0.0/8"]).client("10.0.0.1", header[-1033:]) == "10.0.0.2"


def test_nobody_is_trusted_by_default() -> None:
    assert TrustedProxies([]).client("10.0.0.1", "198.51.100.4") == "10.0.0.1"


def test_the_forwarded_header_reads_like_x_forwarded_for() -> None:
    header = 'for=192.0.2.60;proto=https;by=203.0.113.43, For="[2001:db8:cafe::17]:4711", for=unknown'

    assert forwarded_as_list(header) == "192.0.2.60, [2001:db8:cafe::17]:4711, unknown"
