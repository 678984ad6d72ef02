"""A log that is emptied or written anew in its place, with nothing kept of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(text(0, 1, 2))
    return path


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize("new", [(7,), (7, 8, 9), (7, 8, 9, 10, 11)], ids=["shorter", "as long", "longer"])
def test_a_file_written_anew_is_read_from_its_beginning(log: Path, new: tuple[int, ...], down: bool) -> None:
    watch = Watch(log, start="beginning")
    assert lines(0, 1, 2) == watch.new()
    before = log.stat()
    log.write_bytes(text(*new))
    os.utime(log, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert before.st_ino == log.stat().st_ino
    if down:
        watch.restart()
    assert lines(*new) == watch.new()
    watch.restart()
    assert [] == watch.later()


def test_a_file_that_begins_like_the_old_one_and_goes_on_otherwise_is_read_from_its_beginning(log: Path) -> None:
    head = b"# " + b"-" * 2000 + b"\n"
    log.write_bytes(head + text(1))
    watch = Watch(log, start="beginning")
    watch.new()
    log.write_bytes(head + text(2, 3))
    assert [head[:-1], *lines(2, 3)] == watch.new()


def test_a_file_cut_to_a_part_of_itself_is_read_anew_once(log: Path) -> None:
    watch = Watch(log, start="beginning")
    watch.new()
    os.truncate(log, 22)
    watch.restart()
    assert lines(0, 1) == watch.new()
    for _ in range(3):
        watch.restart()
        assert [] == watch.new()


def test_an_emptied_file_that_was_read_to_its_end_is_no_gap(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    log.write_bytes(b"")
    append(log, text(5))
    assert lines(5) == watch.new()
    assert [("access.log", "finished", 33), ("access.log", "active", 11)] == watch.states()
    assert [] == watch.problems()


def test_bytes_that_were_seen_and_not_read_before_the_file_was_emptied_are_a_gap(log: Path) -> None:
    watch = Watch(log, start="beginning")
    step = watch.tail.read(11)
    assert step is not None
    watch.store.commit(step)
    log.write_bytes(b"")
    append(log, text(5))
    assert lines(5) == watch.new()
    assert [("access.log", "gap", 11), ("access.log", "active", 11)] == watch.states()
    (told,) = watch.problems()
    assert told.endswith("it was read to byte 11, 22 bytes that were seen after it are lost")


def test_files_that_begin_with_the_same_banner_are_all_read(tmp_path: Path) -> None:
    banner = b"# " + b"=" * 2046
    watch = Watch(tmp_path / "*.log", start="beginning")
    for name in range(10):
        (tmp_path / f"{name}.log").write_bytes(banner + b"\n")
    assert 10 * [banner] == watch.new()
    for name in range(10):
        append(tmp_path / f"{name}.log", text(name))
    assert lines(*range(10)) == watch.new()
    watch.restart()
    assert [] == watch.later()
