"""Programs take turns, so that a machine that slows down slows all of them down."""

import shutil
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench.files import BenchFile
from benchmarks.bench.measuring import ProgramFailed, Run, measure
from benchmarks.bench.programs import Program


@dataclass(slots=True)
class Contest:
    """A program on a log: its runs so far, or why there are none worth having."""

    program: Program
    log: BenchFile
    runs: list[Run] = field(default_factory=list)
    failure: str = ""

    @property
    def wall(self) -> float:
        return statistics.median(run.wall for run in self.runs)

    @property
    def cpu(self) -> float:
        return statistics.median(run.cpu for run in self.runs)

    @property
    def peak(self) -> float:
        return statistics.median(run.peak for run in self.runs)

    def run(self, scratch: Path) -> None:
        """Runs once more in a fresh scratch folder, unless it failed before; a wrong answer is a failure."""
        if self.failure:
            return
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        try:
            run = measure(self.program.command(self.log, scratch))
            answer = self.program.answer(scratch, run.printed)
        except ProgramFailed as why:
            self.failure = str(why)
        else:
            expected = self.program.expected(self.log)
            if answer == expected:
                self.runs.append(run)
            else:
                self.failure = f"{self.program.name}, {self.log.path.name}: found {answer}; there are {expected}."
        finally:
            shutil.rmtree(scratch)


def take_turns(contests: Sequence[Contest], rounds: int, scratch: Path, tell: Callable[[str], None]) -> None:
    """Runs all contests `rounds` times, one after the other."""
    for number in range(1, rounds + 1):
        for contest in contests:
            tell(f"round {number} of {rounds}: {contest.program.name}, {contest.log.path.name}")
            contest.run(scratch)
