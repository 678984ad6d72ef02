"""`python -m benchmarks.bench`: a table per log, then the bars and whether they are met. Exit code 1: a run failed."""

import argparse
import json
import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from benchmarks.bench.bars import Bar, bars
from benchmarks.bench.files import BenchFile, bench_file
from benchmarks.bench.idle import Idle, NotHealthy, idle
from benchmarks.bench.measuring import ProgramFailed, measure
from benchmarks.bench.programs import FORMAT, Program, found, goaccess, ingest, parse, ripgrep
from benchmarks.bench.report import print_bars, print_batches, print_contests
from benchmarks.bench.rounds import Contest, take_turns

BUILD = Path("build")
DENIED, MORE_DENIED = 0.05, 0.2
# A log of so few lines tells what a program's start costs.
START = 100
FILE_WIDTH = 130


@dataclass(frozen=True)
class Effort:
    """How much is measured: rounds, lines of the combined, the Kong and the nginx JSON logs, seconds of looking at the
    idle daemon."""

    rounds: int = 5
    combined: int = 2_000_000
    kong: int = 200_000
    nginx_json: int = 1_000_000
    idle: float = 30


QUICK = Effort(rounds=1, combined=200_000, kong=20_000, nginx_json=100_000, idle=5)


class Bench:
    """One whole measurement; messages go to standard error, results to standard output."""

    def __init__(self, effort: Effort) -> None:
        self._effort = effort
        self._tell = Console(stderr=True, highlight=False).print
        self._failures: list[str] = []

    def run(self) -> int:
        self._tell(f"logs: below {BUILD / 'bench'}, made unless they are there")
        combined = self._log("combined", self._effort.combined, DENIED)
        more_denied = self._log("combined", self._effort.combined, MORE_DENIED)
        kong = self._log("kong", self._effort.kong, DENIED)
        nginx_json = self._log("nginx-json", self._effort.nginx_json, DENIED)
        starts = [self._log(kind, START, DENIED) for kind in ("kong", "nginx-json")]
        rg, counting = self._peers()
        contests = {
            f"nginx combined, {DENIED:.0%} denied": _contests(combined, rg, counting, parse(), ingest()),
            f"nginx combined, {MORE_DENIED:.0%} denied": _contests(more_denied, rg, ingest()),
            f"Kong file-log, {DENIED:.0%} denied": _contests(kong, rg, parse(), ingest()),
            f"nginx JSON, {DENIED:.0%} denied": _contests(nginx_json, rg, parse()),
            "Kong file-log, the start alone": _contests(starts[0], parse()),
            "nginx JSON, the start alone": _contests(starts[1], parse()),
        }
        everything = [contest for some in contests.values() for contest in some]
        take_turns(everything, self._effort.rounds, BUILD / "bench" / "scratch", self._tell)
        self._failures += [contest.failure for contest in everything if contest.failure]
        batches = self._batches([combined, kong, nginx_json])
        resting = self._idle(combined, kong)
        self._print(contests, batches, bars(everything, resting))
        return 1 if self._failures else 0

    def _log(self, kind: str, lines: int, denied: float) -> BenchFile:
        return bench_file(BUILD / "bench", kind, lines, denied)

    def _peers(self) -> tuple[list[Program], list[Program]]:
        """ripgrep and GoAccess, each if it is there."""
        there = []
        for name, package, program in (("rg", "ripgrep", ripgrep), ("goaccess", "GoAccess", goaccess)):
            path = found(name, BUILD / "peers")
            if path is None:
                self._tell(f"{package} is not here and not compared with; `make bench-tools` brings it.")
            there.append([program(path)] if path else [])
        return there[0], there[1]

    def _batches(self, logs: list[BenchFile]) -> dict[str, dict[str, float]]:
        took = {}
        for log in logs:
            self._tell(f"a few lines at a time: {FORMAT[log.kind]}")
            try:
                run = measure([sys.executable, "-m", "benchmarks.bench.batches", str(log.path), FORMAT[log.kind]])
            except ProgramFailed as why:
                self._failures.append(str(why))
            else:
                took[FORMAT[log.kind]] = json.loads(run.printed)
        return took

    def _idle(self, combined: BenchFile, kong: BenchFile) -> Idle | None:
        self._tell(f"the idle daemon: {self._effort.idle:g} s")
        with tempfile.TemporaryDirectory(prefix="log-sentinel-bench-") as folder:
            try:
                return idle(Path(folder), combined, kong, self._effort.idle)
            except NotHealthy as why:
                self._failures.append(str(why))
                return None

    def _print(
        self, contests: dict[str, list[Contest]], batches: dict[str, dict[str, float]], reached: list[Bar]
    ) -> None:
        # in a file, tables are as wide as they need to be
        console = Console(width=None if sys.stdout.isatty() else FILE_WIDTH)
        console.print(
            f"Medians of {self._effort.rounds} runs, programs taking turns, logs in the page cache. "
            f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}."
        )
        if self._effort == QUICK:
            console.print("A short run: what a program's start costs weighs ten times as much as in the full one.")
        console.print()
        for title, some in contests.items():
            print_contests(console, f"{title}: {some[0].log.lines:,} lines, {some[0].log.size / 1e6:,.0f} MB", some)
        if batches:
            print_batches(console, batches)
        print_bars(console, reached)
        for failure in self._failures:
            console.print(f"[red]failed:[/] {failure}", soft_wrap=True, highlight=False)


def _contests(log: BenchFile, *programs: Program | list[Program]) -> list[Contest]:
    flat = [one for some in programs for one in (some if isinstance(some, list) else [some])]
    return [Contest(program, log) for program in flat]


def main() -> int:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.bench", description="log-sentinel beside its peers.")
    arguments.add_argument(
        "--runs", type=int, default=Effort.rounds, help="rounds; the figures are medians (default 5)"
    )
    arguments.add_argument("--quick", action="store_true", help="a tenth of the lines, one round")
    chosen = arguments.parse_args()
    return Bench(QUICK if chosen.quick else Effort(rounds=chosen.runs)).run()


if __name__ == "__main__":
    raise SystemExit(main())
