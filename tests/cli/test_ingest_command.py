"""`log-sentinel ingest` of an access log with its error log: what `run` would make of the two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.running import log_sentinel

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.running import Ran

REQUEST = '203.0.113.{n} - - [24/Nov/2026:10:00:0{n} +0000] "GET /n/{n} HTTP/1.1" {status} 9 "-" "t"\n'
ENTRY = (
    "2026/11/24 {hour}:00:0{n} [error] 1#1: *{n} {says}, client: 203.0.113.{n}, server: _, "
    'request: "GET /n/{n} HTTP/1.1", host: "x"\n'
)
SAYS = {1: "access forbidden by rule", 2: 'limiting requests, excess: 2.990 by zone "api"'}
STATUSES = {1: 403, 2: 503, 3: 503}


def folder_with_logs(folder: Path, hour: int = 10) -> Path:
    (folder / "access.log").write_text("".join(REQUEST.format(n=n, status=code) for n, code in STATUSES.items()))
    (folder / "error.log").write_text("".join(ENTRY.format(hour=hour, n=n, says=says) for n, says in SAYS.items()))
    return folder


def ingested(folder: Path, *words: str) -> Ran:
    return log_sentinel("ingest", *words, "--db", "sqlite:///sentinel.db", "--output", "jsonl", folder=folder)


def counts(ran: Ran) -> dict[str, int]:
    return {row["what"]: row["n"] for row in map(json.loads, ran.out.splitlines())}


@pytest.mark.parametrize("order", [("access.log", "error.log"), ("error.log", "access.log")])
def test_in_either_order_the_error_log_gives_the_causes_and_again_adds_nothing(
    order: tuple[str, str], tmp_path: Path
) -> None:
    folder = folder_with_logs(tmp_path)

    first, again = ingested(folder, *order), ingested(folder, *order)

    assert (0, "") == (first.code, first.err)
    assert {"lines": 5, "denials": 2, "explained by an error log": 2, "candidates": 1, "rejects": 0} == counts(first)
    assert {0} == set(counts(again).values())
    query = "select path, status, denied_by, cause, instr(evidence, 'zone api') > 0 as zone from denials order by path"
    stored = log_sentinel("sql", query, "--db", "sqlite:///sentinel.db", "--output", "csv", folder=folder)
    assert ["/n/1,403,gateway,ip_restriction,0", "/n/2,503,gateway,rate_limit,1"] == stored.out.splitlines()[1:]


def test_an_error_log_in_local_time_needs_its_zone(tmp_path: Path) -> None:
    folder = folder_with_logs(tmp_path, hour=11)

    found = counts(ingested(folder, "access.log", "error.log", "--zone", "Europe/Berlin"))

    assert 2 == found["explained by an error log"]


def test_a_zone_that_is_none_is_told(tmp_path: Path) -> None:
    ran = ingested(folder_with_logs(tmp_path), "access.log", "--zone", "Berlin")

    assert 2 == ran.code
    assert "Invalid value for '--zone': no such time zone; write it as in Europe/Berlin or UTC" in ran.err


def test_of_an_error_log_of_nobody_the_rest_is_stored(tmp_path: Path) -> None:
    folder = folder_with_logs(tmp_path)
    for name in ("a.log", "b.log"):
        (folder / name).write_bytes((folder / "access.log").read_bytes())

    ran = ingested(folder, "error.log", "a.log", "b.log")

    assert (1, 6) == (ran.code, counts(ran)["lines"])
    assert "error.log: this is an error log, and it may be that of any of a, b." in ran.err
