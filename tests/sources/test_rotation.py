"""Rename and create: the everyday rotation, while we look and while we do not."""

from __future__ import annotations

import gzip
import os
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


def rotate(log: Path, *, create: bool = True) -> None:
    for number in range(9, 0, -1):
        for packed in ("", ".gz"):
            old = log.with_name(f"{log.name}.{number}{packed}")
            if old.exists():
                old.rename(log.with_name(f"{log.name}.{number + 1}{packed}"))
    log.rename(log.with_name(f"{log.name}.1"))
    if create:
        log.touch()


def pack(path: Path) -> Path:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return packed


def test_what_was_there_before_the_first_look_is_not_read(log: Path) -> None:
    watch = Watch(log)
    assert [] == watch.new()
    append(log, text(1))
    assert lines(1) == watch.new()


def test_what_was_there_is_read_from_the_beginning_when_asked_for(log: Path) -> None:
    assert lines(0) == Watch(log, start="beginning").new()


def test_a_rotated_file_is_read_to_its_end_before_the_new_one(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    rotate(log)
    append(log, text(3))
    append(log.with_name("access.log.1"), text(2))
    assert lines(1, 2, 3) == watch.new()


def test_lines_written_to_the_old_file_after_the_rotation_are_read(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    with log.open("ab") as writer:
        rotate(log)
        assert [] == watch.new()
        writer.write(text(1))
        writer.flush()
        append(log, text(2))
        assert lines(1, 2) == watch.new()
        writer.write(text(3))
    assert lines(3) == watch.new()


def test_a_rotated_file_is_finished_when_it_was_silent_and_its_successor_is_written(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    rotate(log)
    append(log, text(1))
    assert lines(1) == watch.new()
    assert [("access.log", "active", 11), ("access.log", "active", 11)] == watch.states()
    assert [] == watch.later()
    assert [("access.log", "finished", 11), ("access.log", "active", 11)] == watch.states()


def test_a_rotated_file_without_a_successor_may_still_be_what_its_writer_writes(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    rotate(log, create=False)
    assert [] == watch.later()
    append(log.with_name("access.log.1"), text(1))
    assert lines(1) == watch.new()
    assert "finished" not in {state for _, state, _ in watch.states()}


def test_a_writer_that_did_not_reopen_is_read_on_and_told_about(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    rotate(log)
    append(log, text(1))
    assert lines(1) == watch.new()
    watch.later()
    append(log.with_name("access.log.1"), text(2))
    assert lines(2) == watch.new()
    assert ["its old file is still being written"] == watch.problems()


@pytest.mark.parametrize("times", [1, 2, 5])
def test_after_rotations_without_us_the_rest_is_read_and_then_each_newer_file_in_order(log: Path, times: int) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    for number in range(times):
        append(log, text(10 + number))
        rotate(log)
    append(log, text(99))
    watch.restart()
    assert lines(1, *range(10, 10 + times), 99) == watch.new()


@pytest.mark.parametrize("times", [1, 2, 5])
def test_archives_made_without_us_are_read_on_and_through(log: Path, times: int) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    for number in range(times):
        append(log, text(10 + number))
        rotate(log)
        pack(log.with_name("access.log.1"))
    append(log, text(99))
    watch.restart()
    assert lines(1, *range(10, 10 + times), 99) == watch.new()
    assert [] == watch.later()
    watch.restart()
    assert [] == watch.later()


def test_two_rotations_between_two_looks_do_not_lose_the_file_between(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    rotate(log)
    append(log, text(2))
    rotate(log)
    append(log, text(3))
    assert lines(1, 2, 3) == watch.new()


def test_files_rotated_before_the_first_look_stay_unread(log: Path) -> None:
    for _ in range(3):
        rotate(log)
        append(log, text(0))
    pack(log.with_name("access.log.3"))
    watch = Watch(log)
    watch.new()
    rotate(log)
    append(log, text(1))
    assert lines(1) == watch.new()
    log.write_bytes(b"")
    assert [] == watch.later()
    watch.restart()
    assert [] == watch.later()


def test_dated_names_are_read_in_the_order_of_their_dates(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    for day in (21, 22, 23):
        append(log, text(day))
        log.rename(log.with_name(f"access.log-202611{day}"))
        log.touch()
    os.utime(log.with_name("access.log-20261121"))
    append(log, text(24))
    watch.restart()
    assert lines(21, 22, 23, 24) == watch.new()


def test_rotated_files_in_a_folder_of_their_own_are_found_when_it_is_named(log: Path) -> None:
    old = log.parent / "old"
    old.mkdir()
    watch = Watch(log, rotated=(str(old),))
    watch.new()
    append(log, text(1))
    log.rename(old / "access.log.1")
    append(log, text(2))
    watch.restart()
    assert lines(1, 2) == watch.new()


def test_a_generation_that_is_nowhere_any_more_is_a_gap_and_told(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    log.rename(log.with_name("elsewhere"))
    append(log, text(2))
    watch.restart()
    assert lines(2) == watch.new()
    assert [("access.log", "gap", 11), ("access.log", "active", 11)] == watch.states()
    assert [
        "its file is gone and no rotated copy of it was found; it was read to byte 11, what came after it is lost"
    ] == watch.problems()


def test_what_is_gone_for_good_is_told_for_a_day_and_then_no_more(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    log.rename(log.with_name("elsewhere"))
    append(log, text(2))
    watch.restart()
    watch.new()
    assert [] == watch.later(86_000)
    assert 1 == len(watch.problems())
    assert [] == watch.later(500)
    assert [] == watch.problems()


def test_a_daemon_that_is_killed_between_reading_and_commit_reads_again(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    assert watch.tail.read(100) is not None
    assert watch.tail.read(100) is None
    rotate(log)
    append(log, text(2))
    assert watch.tail.read(100) is not None
    watch.restart()
    assert lines(1, 2) == watch.new()


def test_a_file_with_too_little_to_tell_it_by_is_known_all_the_same(log: Path) -> None:
    log.write_bytes(b"")
    watch = Watch(log)
    assert [] == watch.new()
    for byte in text(1, 2):
        append(log, bytes([byte]))
        watch.restart()
        watch.new()
    rotate(log)
    append(log, text(3))
    watch.restart()
    assert lines(3) == watch.new()


def test_other_files_that_begin_like_the_log_are_no_rotated_logs(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    watch.new()
    log.with_name("access.log.403.txt").write_bytes(text(1))
    log.with_name("access.log.json").write_bytes(text(7))
    rotate(log)
    append(log, text(2))
    assert lines(2) == watch.new()


def test_a_file_that_got_its_name_back_is_followed_also_after_reading_went_back(tmp_path: Path) -> None:
    log, rotated = tmp_path / "access.log", tmp_path / "access.log.1"
    log.write_bytes(text(0))
    watch = Watch(log, start="beginning")
    assert lines(0) == watch.new()
    log.rename(rotated)
    log.write_bytes(text(1))
    assert lines(1) == watch.new() + watch.later()
    assert ("access.log", "finished", 11) in watch.states()
    log.unlink()
    rotated.rename(log)
    assert [] == watch.new()
    watch.tail.rewind()
    append(log, text(2))
    assert lines(2) == watch.new()
    assert ("access.log", "active", 22) in watch.states()
    watch.tail.close()
    append(log, text(3))
    shutil.copyfile(log, rotated)
    os.truncate(log, 0)
    watch.restart()
    assert lines(3) == watch.new()
    watch.restart()
    assert [] == watch.later()
