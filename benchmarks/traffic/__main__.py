"""`python -m benchmarks.traffic combined OUT --lines 2000000 --denied 0.05 --seed 1`: a log file and what is in it."""

import argparse
from pathlib import Path

from benchmarks.traffic.everyday import everyday
from benchmarks.traffic.writing import LINE, write


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m benchmarks.traffic", description="Writes a log of made-up traffic."
    )
    arguments.add_argument("format", choices=sorted(LINE))
    arguments.add_argument("out", type=Path)
    arguments.add_argument("--lines", type=int, default=2_000_000)
    arguments.add_argument("--denied", type=float, default=0.05, help="share answered 403 or 429 (default 0.05)")
    arguments.add_argument(
        "--known", type=float, default=0.1, help="share of addresses that name a client (default 0.1)"
    )
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--truth", type=Path, help="writes the counts of what is in the file here, as JSON")
    chosen = arguments.parse_args()
    truth = write(chosen.out, everyday(chosen.lines, chosen.denied, chosen.seed, chosen.known), LINE[chosen.format])
    if chosen.truth:
        truth.save(chosen.truth)
    print(
        f"{chosen.out}: {truth.lines:,} lines, {truth.size:,} bytes, {truth.denied:,} denied, "
        f"{len(truth.targets):,} targets, {len(truth.addresses):,} addresses"
    )


main()
