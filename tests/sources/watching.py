"""Builders for the tests of sources: a store in memory, a clock to step, a tail whose lines are committed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from log_sentinel.sources.settings import FileSource
from log_sentinel.sources.tailer import FileTail

if TYPE_CHECKING:
    from pathlib import Path

    from log_sentinel.model.lines import Checkpoint, Lines
    from log_sentinel.sources.source import Source

CHUNK = 4 << 20


class MemoryCheckpoints:
    """A store that refuses what the real one refuses: a step that does not begin where the checkpoint stands."""

    def __init__(self) -> None:
        self.rows: dict[int, Checkpoint] = {}

    def known(self, source: str) -> list[Checkpoint]:
        return [row for row in self.rows.values() if row.source == source]

    def begin(self, checkpoint: Checkpoint) -> Checkpoint:
        begun = replace(checkpoint, generation=len(self.rows) + 1)
        self.rows[begun.generation] = begun
        return begun

    def mark(self, checkpoint: Checkpoint) -> None:
        assert self.rows[checkpoint.generation].offset == checkpoint.offset, "marked what is not committed"
        self.rows[checkpoint.generation] = checkpoint

    def commit(self, lines: Lines) -> None:
        move = lines.move
        assert self.rows[move.to.generation].offset == move.start, "the step does not begin at the checkpoint"
        assert move.to.offset >= move.start or not lines.data
        self.rows[move.to.generation] = move.to


class StepClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def step(self, seconds: float) -> None:
        self.now += seconds


def cut(lines: Lines) -> list[bytes]:
    """The single lines, without their newlines."""
    pieces = lines.data.split(b"\n")
    return pieces[:-1] if pieces[-1] == b"" else pieces


def read_all(source: Source, store: MemoryCheckpoints, limit: int = CHUNK) -> list[Lines]:
    """Everything new, each step committed as it comes."""
    steps = []
    while (lines := source.read(limit)) is not None:
        store.commit(lines)
        steps.append(lines)
    return steps


class Watch:
    """A file tail over `pattern`; `new()` is what was read and committed since the last call."""

    def __init__(self, pattern: Path | str, store: MemoryCheckpoints | None = None, **settings: Any) -> None:
        self.store = store or MemoryCheckpoints()
        self.clock = StepClock()
        self.settings = FileSource(path=str(pattern), **settings)
        self.tail = FileTail("edge", self.settings, self.store, self.clock)
        self.steps: list[Lines] = []

    def new(self, limit: int = CHUNK) -> list[bytes]:
        steps = read_all(self.tail, self.store, limit)
        self.steps += steps
        return [line for step in steps for line in cut(step)]

    def later(self, seconds: float = 11.0) -> list[bytes]:
        """What is new some time later: the default is past the time for which a rotated file is held."""
        self.clock.step(seconds)
        return self.new() + self.new()

    def restart(self) -> None:
        """As after a kill: what was not committed is forgotten."""
        self.tail.close()
        self.tail = FileTail("edge", self.settings, self.store, self.clock)

    def skipped(self) -> list[tuple[int, str, bytes]]:
        return [one for step in self.steps for one in step.skipped]

    def states(self) -> list[tuple[str, str, int]]:
        """(file name, state, offset) of every stored generation but the note of the first look."""
        return [
            (row.path.rpartition("/")[2], str(row.state), row.offset) for row in self.store.rows.values() if row.inode
        ]

    def problems(self) -> list[str]:
        return [f"{problem.found}" for problem in self.tail.problems()]


def lines(*numbers: int) -> list[bytes]:
    return [b"line %05d" % number for number in numbers]


def text(*numbers: int) -> bytes:
    return b"".join(line + b"\n" for line in lines(*numbers))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)
