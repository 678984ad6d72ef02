"""`python -m benchmarks.chaos`: breaks things for a while, then counts.

Exit code 0: every line is stored once and right, and every fault was really made. 1: something else; the folder stays.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.chaos import verdict
from benchmarks.chaos.playing import ALL_MODES, Playing, Setup, not_witnessed, report


def main() -> int:
    arguments = _arguments()
    setup = Setup(
        seed=arguments.seed,
        database=arguments.database,
        kills=arguments.kills,
        lines=arguments.lines,
        modes=tuple(arguments.modes),
        rotations=arguments.rotations,
        faults=arguments.kills // 4 if arguments.faults is None else arguments.faults,
    )
    folder = Path(tempfile.mkdtemp(prefix="log-sentinel-chaos-"))
    began = time.monotonic()
    playing = Playing(setup, folder)
    judged = playing.play()
    written = verdict.read_journal(folder / "journal")
    told = report(setup, playing.played, judged, written)
    missing = not_witnessed(setup, playing.played, written)
    print(json.dumps(told | {"seconds": round(time.monotonic() - began, 1), "not made": missing}, indent=1))
    if judged.good and not missing and not playing.played.trouble:
        shutil.rmtree(folder)
        print(f"every line is stored once: seed {setup.seed}, {setup.database}")
        return 0
    print(f"NOT as it should be: seed {setup.seed}, {setup.database}; all of it is in {folder}")
    return 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--kills", type=int, default=10, help="how often the daemon gets kill -9")
    parser.add_argument("--lines", type=int, default=200_000)
    parser.add_argument("--rotations", type=int, default=40, help="about how many, of all logs together")
    parser.add_argument("--faults", type=int, help="lives in which the database is broken; a quarter of the kills")
    parser.add_argument("--modes", nargs="+", choices=ALL_MODES, default=ALL_MODES, metavar="MODE")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
