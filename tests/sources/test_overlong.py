"""A client can make a line as long as it likes; it must cost no memory, and hide no other line."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from tests.lengths import times
from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path

LONGEST = 4096


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.touch()
    return path


@pytest.mark.parametrize("limit", [16, 1000, 10_000, 1 << 22])
def test_a_line_as_long_as_allowed_is_a_line_and_a_longer_one_is_told_about(log: Path, limit: int) -> None:
    watch = Watch(log, max_line_bytes=LONGEST, start="beginning")
    longest, longer = b"x" * LONGEST, b"y" * (LONGEST + 1)
    append(log, text(1) + longest + b"\n" + longer + b"\n" + text(2) + longer + b"\n" + longest + b"\n" + text(3))
    assert [*lines(1), longest, *lines(2), longest, *lines(3)] == watch.new(limit)
    reason = "line longer than 4096 bytes"
    first = 11 + LONGEST + 1
    second = first + LONGEST + 2 + 11
    assert [(first, reason, longer[:200]), (second, reason, longer[:200])] == watch.skipped()


def test_a_line_that_grows_too_long_while_it_is_written_is_passed_over_when_it_ends(log: Path) -> None:
    watch = Watch(log, max_line_bytes=LONGEST, start="beginning")
    for _ in range(20):
        append(log, b"z" * 1000)
        assert [] == watch.new()
    append(log, b"\n" + text(1))
    assert lines(1) == watch.new()
    assert [(0, b"z" * 200)] == [(offset, sample) for offset, _, sample in watch.skipped()]


def test_a_kill_in_the_middle_of_a_long_line_does_not_make_a_line_of_its_rest(log: Path) -> None:
    watch = Watch(log, max_line_bytes=LONGEST, start="beginning")
    append(log, b"z" * 100_000)
    assert [] == watch.new()
    watch.restart()
    append(log, b"z\n" + text(1))
    assert lines(1) == watch.new()
    assert 1 == len(watch.skipped())


def test_a_line_of_a_hundred_megabytes_takes_a_few_of_memory(log: Path) -> None:
    watch = Watch(log, start="beginning")
    with log.open("wb") as file:
        for _ in range(times(100, 1024)):
            file.write(b"x" * (1 << 20))
        file.write(b"\n" + text(1))
    tracemalloc.start()
    try:
        assert lines(1) == watch.new()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
    assert 1 == len(watch.skipped())
