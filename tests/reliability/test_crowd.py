"""A crowd of addresses, paths and user agents, each seen once or a few times, takes no memory that grows with it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.end_to_end.running import PROGRAM, number
from tests.reliability.logs import BEGAN

if TYPE_CHECKING:
    from pathlib import Path

LINES = int(os.environ.get("CROWD_LINES", "150000"))
MOST_BYTES = 300 << 20


def a_crowd(log: Path, lines: int) -> int:
    """Writes `lines` lines, nearly all from addresses and to paths of their own; gives how many are denied."""
    chance = random.Random(40)
    denied = 0
    stamp = BEGAN.strftime("%d/%b/%Y:%H:%M:%S %z")
    with log.open("w") as file:
        for line in range(lines):
            status = 403 if chance.random() < 0.1 else 200
            denied += status == 403
            address = ".".join(str(chance.randrange(1, 255)) for _ in range(4))
            path = f"/{chance.randbytes(4).hex()}/{line}/{chance.choice(('x', 'y'))}"
            file.write(f'{address} - - [{stamp}] "GET {path} HTTP/1.1" {status} 9 "-" "agent/{line}"\n')
    return denied


def test_a_crowd_of_addresses_and_paths_is_stored_in_bounded_memory(tmp_path: Path) -> None:
    log, database = tmp_path / "access.log", tmp_path / "sentinel.db"
    denied = a_crowd(log, LINES)
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
    assert number(url, "select sum(n) from traffic") == LINES
    assert peak < MOST_BYTES, f"{peak >> 20} MiB"
    routes = number(url, "select count(distinct route) from traffic")
    assert routes < LINES / 10, f"{routes} routes of {LINES} lines: the table grows with the attacker"
