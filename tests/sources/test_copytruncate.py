"""copytruncate, which Kong's own manual recommends: the log is copied, then emptied, and its inode stays."""

from __future__ import annotations

import gzip
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(text(0))
    return path


def shift(log: Path) -> None:
    for number in range(9, 0, -1):
        for packed in ("", ".gz"):
            old = log.with_name(f"{log.name}.{number}{packed}")
            if old.exists():
                old.rename(log.with_name(f"{log.name}.{number + 1}{packed}"))


def copytruncate(log: Path, *, between: bytes = b"", packed: bool = False) -> None:
    """`between` is written after the copy and before the file is emptied: nobody can save it."""
    shift(log)
    copy = log.with_name(f"{log.name}.1")
    shutil.copyfile(log, copy)
    append(log, between)
    log.open("wb").close()
    if packed:
        copy.with_name(copy.name + ".gz").write_bytes(gzip.compress(copy.read_bytes()))
        copy.unlink()


@pytest.mark.parametrize("packed", [False, True])
def test_the_rest_of_the_old_file_is_read_from_its_copy(log: Path, packed: bool) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    watch.new()
    append(log, text(2))
    copytruncate(log, packed=packed)
    append(log, text(3))
    assert lines(2, 3) == watch.new()
    name = "access.log.1.gz" if packed else "access.log.1"
    assert [(name, "finished", 33), ("access.log", "active", 11)] == watch.states()


@pytest.mark.parametrize("packed", [False, True])
def test_the_copy_is_found_when_nobody_looked(log: Path, packed: bool) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    copytruncate(log, packed=packed)
    append(log, text(2))
    copytruncate(log, packed=packed)
    append(log, text(3))
    watch.restart()
    assert lines(1, 2, 3) == watch.new()


def test_two_copies_between_two_looks_are_both_read(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    copytruncate(log)
    append(log, text(2))
    copytruncate(log)
    append(log, text(3))
    assert lines(1, 2, 3) == watch.new()


def test_a_file_that_was_never_read_before_it_was_copied_is_read_from_the_copy(log: Path) -> None:
    watch = Watch(log, start="beginning")
    append(log, text(1))
    assert watch.tail.read(100) is not None
    watch.restart()
    copytruncate(log)
    append(log, text(2))
    assert lines(0, 1, 2) == watch.new()


@pytest.mark.parametrize("pattern", ["access.log", "access.log*"])
def test_a_copy_that_ends_before_what_was_read_is_not_read_again(log: Path, pattern: str) -> None:
    watch = Watch(log.with_name(pattern))
    watch.new()
    append(log, text(1))
    watch.new()
    shift(log)
    shutil.copyfile(log, log.with_name("access.log.1"))
    append(log, text(2))
    assert lines(2) == watch.new()
    log.open("wb").close()
    append(log, text(3))
    assert lines(3) == watch.new()
    assert [] == watch.later()
    watch.restart()
    assert [] == watch.later()
    assert [] == watch.problems()


def test_a_copy_whose_name_the_glob_matches_is_not_read_twice(log: Path) -> None:
    watch = Watch(log.with_name("access.log*"))
    watch.new()
    for number in range(1, 8, 2):
        append(log, text(number))
        assert lines(number) == watch.new()
        append(log, text(number + 1))
        copytruncate(log, packed=number > 4)
        assert lines(number + 1) == watch.new() + watch.later()
        watch.restart()
        assert [] == watch.new()


def test_a_copy_that_is_being_made_is_left_alone(log: Path) -> None:
    watch = Watch(log.with_name("access.log*"), start="beginning")
    append(log, text(*range(1, 500)))
    assert lines(*range(500)) == watch.new()
    copy = log.with_name("access.log.1")
    whole = log.read_bytes()
    for size in (0, 1, 11, 700, 3000, len(whole)):
        copy.write_bytes(whole[:size])
        assert [] == watch.later()
    append(log, text(500))
    assert lines(500) == watch.new()
    log.open("wb").close()
    append(log, text(501))
    assert lines(501) == watch.new()
    assert [] == watch.later()


def test_bytes_between_the_copy_and_the_emptying_are_the_only_ones_lost(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    copytruncate(log, between=text(2))
    append(log, text(3))
    assert lines(1, 3) == watch.new()


def test_a_writer_that_does_not_append_leaves_a_hole_that_is_passed_over(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    with log.open("r+b") as writer:
        writer.seek(0, 2)
        for number in range(1, 4):
            writer.write(text(number))
            writer.flush()
            assert lines(number) == watch.new()
            copytruncate(log)
        writer.write(text(4))
        writer.flush()
        assert lines(4) == watch.new()
        writer.seek(3 << 30)
        writer.write(text(5))
        writer.flush()
        log_size = log.stat().st_size
    assert lines(5) == watch.new()
    assert log_size == watch.steps[-1].move.to.offset
    assert b"\0" not in b"".join(step.data for step in watch.steps)


def test_after_a_failed_commit_the_copy_is_read_again_from_where_the_store_is(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    watch.tail.read(100)
    copytruncate(log)
    append(log, text(2))
    while watch.tail.read(100) is not None:
        pass
    watch.tail.rewind()
    assert lines(1, 2) == watch.new()


def test_after_a_failed_commit_a_short_copy_is_read_as_far_as_it_goes(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    shutil.copyfile(log, log.with_name("access.log.1"))
    append(log, text(2))
    assert watch.tail.read(100) is not None
    assert watch.tail.read(100) is None
    log.open("wb").close()
    append(log, text(3))
    while watch.tail.read(100) is not None:
        pass
    watch.tail.rewind()
    assert lines(1, 3) == watch.new()
