"""A crowd of addresses, paths and user agents, each seen once or a few times, takes no memory that grows with it.

A release run has ten million lines, a million addresses and a million paths.
"""

from __future__ import annotations

import hashlib
import ipaddress
import random
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end.running import PROGRAM, number
from tests.lengths import RELEASE_SHARE, times
from tests.reliability.logs import BEGAN

if TYPE_CHECKING:
    from pathlib import Path

LINES = times(150_000, 10_000_000)
# What is denied takes much more memory: daemon/test_ingest.py has what bounds it in the suite.
CROWDS = [(LINES, 0.1), *([(LINES // 10, 1.0)] if RELEASE_SHARE else [])]
MOST_DIFFERENT = 1_000_000
FIRST_ADDRESS = int(ipaddress.ip_address("20.0.0.0"))
MOST_BYTES = 300 << 20


def a_crowd(log: Path, lines: int, share: float) -> int:
    """Writes `lines` lines, up to MOST_DIFFERENT addresses and paths in them; gives how many are denied, a `share`."""
    chance = random.Random(40)
    crowd = min(lines, MOST_DIFFERENT)
    denied = 0
    stamp = BEGAN.strftime("%d/%b/%Y:%H:%M:%S %z")
    with log.open("w") as file:
        for line in range(lines):
            status = 403 if chance.random() < share else 200
            denied += status == 403
            address = ipaddress.ip_address(FIRST_ADDRESS + chance.randrange(crowd))
            path = f"/{hashlib.blake2b(b'%d' % chance.randrange(crowd), digest_size=4).hexdigest()}/x"
            file.write(f'{address} - - [{stamp}] "GET {path} HTTP/1.1" {status} 9 "-" "agent/{line}"\n')
    return denied


@pytest.mark.timeout(120 + LINES // 1000)
@pytest.mark.parametrize(("lines", "share"), CROWDS)
def test_a_crowd_of_addresses_and_paths_is_stored_in_bounded_memory(lines: int, share: float, tmp_path: Path) -> None:
    log, database = tmp_path / "access.log", tmp_path / "sentinel.db"
    denied = a_crowd(log, lines, share)
    measured = (
        "import resource, subprocess, sys\n"
        "ended = subprocess.run(sys.argv[1:]).returncode\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
        "sys.exit(ended)"
    )
    command = [str(PROGRAM), "ingest", str(log), "--format", "nginx-combined", "--db", f"sqlite:///{database}"]
    ran = subprocess.run(
        [sys.executable, "-c", measured, *command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    peak = int(ran.stdout.splitlines()[-1]) << 10
    url = f"sqlite:///{database}"
    assert denied == number(url, "select count(*) from denials")
    assert number(url, "select sum(n) from traffic") == lines
    sys.stdout.write(f"{lines} lines, {denied} denied, {peak >> 20} MiB\n")
    assert peak < MOST_BYTES, f"{peak >> 20} MiB"
    routes = number(url, "select count(distinct route) from traffic")
    assert routes < lines / 10, f"{routes} routes of {lines} lines: the table grows with the attacker"
