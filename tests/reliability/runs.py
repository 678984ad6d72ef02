"""`python -m tests.reliability.runs R4`: a run of docs/reliability.md at release length, under an hour each.

`--share 0.1` makes a tenth of it. The same tests are the suite's, where `lengths.times` makes them short.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TAKES_AT_MOST_SECONDS = 7200


@dataclass(frozen=True)
class Run:
    """`tests` below tests/, with what pytest's `-k` is to choose; or runs of the fault harness: `chaos`' arguments."""

    tests: tuple[str, ...] = ()
    only: str = ""
    chaos: dict[str, int] = field(default_factory=dict)
    modes: tuple[str, ...] = ()


COPIES = ("copytruncate", "copytruncate-busy", "copytruncate-compress", "compress")
RUNS = {
    "R1": Run(chaos={"kills": 200, "lines": 5_000_000, "rotations": 400}),
    "R2": Run(chaos={"kills": 60, "lines": 2_000_000, "rotations": 300}, modes=COPIES),
    "R3": Run(("reliability/test_killed_at_every_step.py",)),
    "R4": Run(("store/test_faults_of_sqlite.py",), only="power_cut"),
    "R5": Run(("sources/test_life_of_a_log.py",)),
    "R6": Run(("store/test_faults_of_postgres.py", "reliability/test_database_away.py"), only="postgres"),
    "R7": Run(
        ("store/test_faults_of_sqlite.py", "reliability/test_database_away.py"),
        only="locked or lock_of or disk or full",
    ),
    "R8": Run(
        (
            "parsing/test_fuzz.py",
            "parsing/test_paths_agree.py",
            "sources/test_gz.py",
            "sources/test_framing.py",
            "sources/test_pushed.py",
            "sources/test_syslog_messages.py",
            "sources/test_envelopes.py",
            "config/test_any_settings.py",
            "store/test_sanitising.py",
        )
    ),
    "R11": Run(("reliability/test_crowd.py",)),
    "R12": Run(
        (
            "sources/test_overlong.py",
            "sources/test_gz.py",
            "sources/test_copytruncate.py",
            "sources/test_few_descriptors.py",
        )
    ),
    "R16": Run(
        ("reliability/test_clock_jumps.py", "reliability/test_daylight_saving.py", "reliability/test_signals.py")
    ),
    "R17": Run(("reliability/test_late_lines.py",)),
    "R18": Run(("store/test_leases.py", "reliability/test_double_start.py")),
    "F59": Run(("store/test_turns.py",), only="retention"),
    "R19": Run(("web/test_serving.py",), only="crowd"),
}


def commands(run: Run, share: float) -> list[list[str]]:
    """What `run` is: the harness once for each database, or pytest."""
    if not run.chaos:
        paths = [str(ROOT / "tests" / test) for test in run.tests]
        chosen = ["-k", run.only] if run.only else []
        return [[sys.executable, "-m", "pytest", *paths, *chosen, "-rA", "--timeout", str(TAKES_AT_MOST_SECONDS)]]
    wanted = [part for name, most in run.chaos.items() for part in (f"--{name}", str(max(1, round(most * share))))]
    modes = ["--modes", *run.modes] if run.modes else []
    harness = [sys.executable, "-m", "benchmarks.chaos", *wanted, *modes]
    return [[*harness, "--database", database] for database in ("sqlite", "postgres")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.runs", description=__doc__)
    parser.add_argument("run", choices=RUNS, nargs="+")
    parser.add_argument("--share", type=float, default=1.0, help="of the release length")
    arguments = parser.parse_args()
    environ = os.environ | {"RELEASE_SHARE": str(arguments.share)}
    codes = [
        subprocess.run(command, cwd=ROOT, env=environ, check=False).returncode
        for name in arguments.run
        for command in commands(RUNS[name], arguments.share)
    ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
