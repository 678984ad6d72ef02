from __future__ import annotations

import json

import pytest

from log_sentinel.content import shipped
from log_sentinel.parsing.definitions import load_folders
from log_sentinel.parsing.guessing import guess
from tests.parsing.builders import line

SHIPPED = list(load_folders([shipped("parsers")]).values())
KONG = {
    "request": {"uri": "/", "method": "GET"},
    "response": {"status": 200},
    "started_at": 1795491213522,
    "client_ip": "203.0.113.9",
    "latencies": {"proxy": 1, "kong": 1, "request": 2},
}


def test_the_format_that_reads_the_lines_is_the_guess() -> None:
    found = guess((line(200) * 30).encode(), SHIPPED)

    assert found is not None
    assert (found.name, found.confidence) == ("nginx-combined", 1.0)


def test_a_torn_last_line_lowers_no_confidence() -> None:
    found = guess((line(200) * 3).encode()[:-20], SHIPPED)

    assert found is not None
    assert found.confidence == 1.0


def test_json_is_told_from_text() -> None:
    found = guess(((json.dumps(KONG) + "\n") * 5 + "nonsense\n").encode(), SHIPPED)

    assert found is not None
    assert (found.name, found.confidence) == ("kong-file-log", 0.8333)


def test_two_formats_in_one_file_are_told() -> None:
    found = guess((line(200) * 2 + json.dumps(KONG) + "\n").encode(), SHIPPED)

    assert found is not None
    assert (found.name, found.confidence, found.mixed_with) == ("nginx-combined", 0.6667, "kong-file-log")


def test_formats_that_read_the_same_are_said_to_and_are_no_runner_up() -> None:
    found = guess(line(200).encode() * 9, SHIPPED)

    assert found is not None
    assert (found.name, found.alike) == ("nginx-combined", ("apache-combined",))
    assert (found.runner_up, found.mixed_with) == (None, None)


def test_apaches_own_escapes_are_read_by_both_as_well() -> None:
    found = guess(line(200, agent=r"say \"hi\" caf\xc3\xa9").encode() * 9, SHIPPED)

    assert found is not None
    assert {found.name, *found.alike} == {"nginx-combined", "apache-combined"}


@pytest.mark.parametrize(
    ("sign", "name"),
    [
        (line(404), "nginx-combined"),
        (line(499).replace(" 153 ", " 0 "), "nginx-combined"),
        (line(200, agent=r"caf\xC3\xA9"), "nginx-combined"),
        (line(304).replace(" 153 ", " - "), "apache-combined"),
        (line(403).replace(" 153 ", " 199 "), "apache-combined"),
        (line(200, agent=r"say \"hi\""), "apache-combined"),
    ],
)
def test_of_formats_that_read_the_same_the_one_whose_server_writes_so_is_the_guess(sign: str, name: str) -> None:
    found = guess((line(200) * 9 + sign).encode(), SHIPPED)

    assert found is not None
    assert found.name == name
    assert {found.name, *found.alike} == {"nginx-combined", "apache-combined"}


def test_a_host_with_its_port_is_apaches() -> None:
    vhosts = {"nginx-vhost": "a.example ", "apache-vhost-combined": "a.example:443 "}

    for name, host in vhosts.items():
        found = guess((host + line(200)).encode() * 9, SHIPPED)

        assert found is not None
        assert found.name == name


def test_nothing_readable_is_no_guess() -> None:
    assert guess(b"what is this\nand this\n", SHIPPED) is None
    assert guess(b"", SHIPPED) is None
