"""An address that is stored as its pseudonym is found, stored and told by that, and never by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from log_sentinel.parsing.pseudonyms import Hashed, truncated
from tests.end_to_end.running import a_daemon, rows, settings_file

if TYPE_CHECKING:
    from pathlib import Path

KEY = "5f0c1b6f0e3a4a6f8d5a2c1e9b7d3f60"
RULE = """
description = "An address is denied often"
kind = "threshold"
dimension = "ip"
window = "3m"
at_least = 18
for = "2m"
severity = "critical"
"""
SETTINGS = """
learn_from = "1h"
rules = ["{folder}/alerts/*.toml"]
[parsing]
addresses = "{way}"
addresses_key = "{key}"
[sources.edge]
path = "{folder}/access.log"
error_log = "{folder}/error.log"
start = "beginning"
[channels.here]
type = "console"
"""
LINE = '{ip} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "GET /orders/{n} HTTP/1.1" {status} 9 "-" "t"\n'
ENTRY = (
    "{at:%Y/%m/%d %H:%M:%S} [error] 1#1: *1 access forbidden by rule, client: {ip}, server: _, "
    'request: "GET /orders/{n} HTTP/1.1", host: "x"\n'
)
# two of one network and one of another
SPIKING = ("203.0.113.7", "203.0.113.9", "2001:db8:1:2::77")
EXPECTED = {
    "hashed": {Hashed(KEY)(address) for address in SPIKING},
    "truncated": {truncated(address) for address in SPIKING},
}
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("way", EXPECTED)
def test_a_spike_of_an_address_is_told_by_its_pseudonym(way: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sentinel.db'}"
    (tmp_path / "alerts").mkdir()
    (tmp_path / "alerts" / "ip-spike.toml").write_text(RULE)
    settings = settings_file(tmp_path / "etc", SETTINGS.format(folder=tmp_path, way=way, key=KEY), url=url)
    access, errors = tmp_path / "access.log", tmp_path / "error.log"
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    errors.touch()
    access.write_text(
        "".join(LINE.format(ip="198.51.100.4", at=now - back * MINUTE, n=0, status=200) for back in range(20, 0, -1))
    )
    with a_daemon(settings) as daemon:
        daemon.wait_until(
            lambda: rows(url, "select watermark from detector_state where watermark is not null"),
            "detection to have begun",
        )
        asked = [
            {"ip": ip, "at": now + ahead * MINUTE + timedelta(seconds=second), "n": second, "status": 403}
            for ahead in range(5)
            for second in range(10)
            for ip in SPIKING
        ]
        with access.open("a") as log, errors.open("a") as beside:
            log.writelines(LINE.format(**each) for each in asked)
            log.write(LINE.format(ip="198.51.100.4", at=now + 6 * MINUTE, n=0, status=200))
            beside.writelines(ENTRY.format(**each) for each in asked)
        for pseudonym in EXPECTED[way]:
            daemon.says(pseudonym)
        daemon.wait_until(
            lambda: EXPECTED[way] == {key for (key,) in rows(url, "select key from incidents")}, "its incidents"
        )
        daemon.wait_until(
            lambda: rows(url, "select count(*) from denials where cause = 'ip_restriction'") == [(len(asked),)],
            "the entries of the error log to have met their requests",
        )

    assert EXPECTED[way] == {ip for (ip,) in rows(url, "select distinct ip from denials")}
    assert 2 == len(rows(url, "select distinct network from denials"))
    everything = daemon.all_said + "".join(
        map(
            str, (rows(url, f"select * from {table}") for table in ("denials", "companion_evidence", "incident_events"))
        )
    )
    assert [] == [address for address in SPIKING if address in everything]
