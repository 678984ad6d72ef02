"""Anything that can happen to a log, in any order, against a model that knows what was written: each line once.

The model excuses only what nobody can read: lines that were emptied or deleted before anybody looked.
"""

from __future__ import annotations

import gzip
import os
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from log_sentinel.sources.generations import HEAD_BYTES
from tests.lengths import times
from tests.sources.watching import Watch

BANNER = b"# " + b"=" * 2000 + b"\n"
SEQUENCES = times(60, 20_000)
# Making a failure small takes minutes.
PHASES = [Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if "TORTURE_SHRINK" in os.environ else [])]


class Writer:
    """A gateway: keeps its log open for appending, and reopens it when told to."""

    def __init__(self, log: Path, banner: bytes) -> None:
        self.log = log
        self.banner = banner
        self.half = b""
        self.opened = 0
        self.reopen()

    def reopen(self) -> None:
        self.descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        if self.banner and self.log.stat().st_size == 0:
            # files that begin alike for longer than any head; two that are alike to the last byte nobody can tell apart
            self.opened += 1
            os.write(self.descriptor, self.banner + b"# opened %d\n" % self.opened)

    def write(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    @property
    def inode(self) -> int:
        return os.fstat(self.descriptor).st_ino

    def close(self) -> None:
        os.close(self.descriptor)


class LifeOfALog(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="life-"))
        self.log = self.folder / "access.log"
        self.written = 0
        self.seen: Counter[bytes] = Counter()
        self.excused: set[bytes] = set()
        self.up = True

    @initialize(glob=st.booleans(), banner=st.booleans(), few_open=st.booleans())
    def begin(self, glob: bool, banner: bool, few_open: bool) -> None:
        self.banner = banner
        self.writer = Writer(self.log, BANNER if banner else b"")
        self.watch = Watch(self.folder / ("access.log*" if glob else "access.log"), start="beginning")
        if few_open and not banner:
            self.watch.tail._register._allowed = 1
        self.look()

    # the gateway

    @rule(count=st.integers(1, 30))
    def write(self, count: int) -> None:
        first, self.written = self.written, self.written + count
        self.end_half()
        self.writer.write(b"".join(b"request %06d\n" % number for number in range(first, first + count)))

    @rule(length=st.integers(1, 12))
    def write_half_a_line(self, length: int) -> None:
        self.end_half()
        line = b"request %06d\n" % self.written
        self.written += 1
        self.writer.write(line[:length])
        self.writer.half = line[length:]

    def end_half(self) -> None:
        if self.writer.half:
            self.writer.write(self.writer.half)
            self.writer.half = b""

    # rotation

    def shift(self) -> Path:
        rotated = [(int(path.name.split(".")[2]), path) for path in self.folder.iterdir() if path != self.log]
        for number, path in sorted(rotated, reverse=True):
            path.rename(path.with_name(path.name.replace(f".{number}", f".{number + 1}")))
        return self.folder / "access.log.1"

    @precondition(lambda self: self.log.exists())
    @rule(at_once=st.booleans())
    def rename(self, at_once: bool) -> None:
        self.log.rename(self.shift())
        if at_once:
            self.reopen()

    @precondition(lambda self: not self.log.exists())
    @rule()
    def reopen(self) -> None:
        self.end_half()
        self.writer.close()
        self.writer.reopen()

    # A copy that ends before what was read is known by its head alone: not where all files have the same for long.
    @precondition(lambda self: self.log.exists() and not self.banner)
    @rule()
    def copytruncate(self) -> None:
        self.end_half()
        shutil.copyfile(self.log, self.shift())
        os.truncate(self.log, 0)

    @precondition(lambda self: self.log.exists() and not self.banner)
    @rule(count=st.integers(1, 5), looked=st.booleans())
    def copytruncate_while_written(self, count: int, looked: bool) -> None:
        self.end_half()
        if self.log.stat().st_size < HEAD_BYTES:
            # a copy shorter than a head that ends before what was read is not known again after a kill
            self.write(HEAD_BYTES // 15 + 1)
        copy = self.shift()
        shutil.copyfile(self.log, copy)
        first = self.written
        self.write(count)
        if looked and self.up:
            self.look()
        lost = {b"request %06d" % number for number in range(first, self.written)}
        self.excused |= lost - self.seen.keys()
        os.truncate(self.log, 0)

    @rule(number=st.integers(1, 3))
    def pack(self, number: int) -> None:
        plain = self.folder / f"access.log.{number}"
        if plain.exists() and plain.stat().st_ino != self.writer.inode:
            packed = plain.with_name(plain.name + ".gz")
            packed.write_bytes(gzip.compress(plain.read_bytes()))
            plain.unlink()

    # what a person does

    @precondition(lambda self: self.log.exists() and not self.banner)
    @rule(looked=st.booleans())
    def empty(self, looked: bool) -> None:
        self.end_half()
        self.excuse(self.log, looked=looked)
        os.truncate(self.log, 0)

    @precondition(lambda self: self.log.exists() and not self.banner)
    @rule(looked=st.booleans())
    def delete_and_make_anew(self, looked: bool) -> None:
        self.end_half()
        self.excuse(self.log, looked=looked)
        self.log.unlink()
        self.reopen()

    def excuse(self, path: Path, *, looked: bool) -> None:
        if looked and self.up:
            self.look()
        self.excused |= set(path.read_bytes().split(b"\n")) - self.seen.keys()

    # the daemon

    def take(self, got: list[bytes]) -> None:
        self.seen.update(line for line in got if re.fullmatch(rb"request \d{6}", line))

    @precondition(lambda self: self.up)
    @rule(limit=st.sampled_from([40, 1000, 1 << 22]))
    def look(self, limit: int = 1 << 22) -> None:
        self.take(self.watch.new(limit))

    @precondition(lambda self: self.up)
    @rule(seconds=st.sampled_from([0.5, 1, 5, 11, 700]))
    def time_passes(self, seconds: float) -> None:
        if self.writer.half and not self.log.exists():
            # half a line in a file that was rotated away is taken as it is after a while
            self.excused.add(b"request %06d" % (self.written - 1))
        self.watch.clock.step(seconds)

    @precondition(lambda self: self.up)
    @rule(reads=st.integers(1, 5), limit=st.sampled_from([40, 1000]))
    def fail_to_commit(self, reads: int, limit: int) -> None:
        for _ in range(reads):
            self.watch.tail.read(limit)
        self.watch.tail.rewind()

    # Of a file that begins like all others, was not read yet, and whose inode is another's when the daemon is back,
    # nothing is known: where files have banners, the daemon is not killed.
    @precondition(lambda self: self.up and not self.banner)
    @rule(reads=st.integers(0, 5), limit=st.sampled_from([40, 1000]))
    def kill(self, reads: int, limit: int) -> None:
        for _ in range(reads):
            self.watch.tail.read(limit)
        self.watch.tail.close()
        self.up = False

    @precondition(lambda self: not self.up)
    @rule()
    def start(self) -> None:
        self.watch.restart()
        self.up = True

    # what must hold

    @invariant()
    def no_line_comes_twice(self) -> None:
        assert [] == [line for line, times in self.seen.items() if times > 1]

    def teardown(self) -> None:
        if not hasattr(self, "watch"):
            return
        try:
            self.end_half()
            if not self.log.exists():
                self.reopen()
            self.write(1)
            if not self.up:
                self.start()
            for _ in range(4):
                self.look()
                self.watch.clock.step(11)
            written = {b"request %06d" % number for number in range(self.written)}
            assert set() == written - self.seen.keys() - self.excused
            assert set() == self.seen.keys() - written
            self.no_line_comes_twice()
            self.watch.restart()
            assert [] == self.watch.new() + self.watch.later()
        finally:
            self.watch.tail.close()
            self.writer.close()
            shutil.rmtree(self.folder)


def test_every_line_comes_once_whatever_happens_to_the_log() -> None:
    run_state_machine_as_test(
        LifeOfALog,
        settings=settings(
            max_examples=SEQUENCES,
            stateful_step_count=40,
            deadline=None,
            report_multiple_bugs=False,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        ),
    )
