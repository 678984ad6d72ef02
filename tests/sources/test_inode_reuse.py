"""A file system gives the inode of a deleted file to the next one it makes."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path


def reuse(log: Path, content: bytes) -> bool:
    """Deletes `log` and makes it anew until it has the inode it had; whether that came about."""
    wanted = log.stat().st_ino
    others = []
    for number in range(2000):
        log.unlink()
        log.write_bytes(content)
        if log.stat().st_ino == wanted:
            break
        other = log.with_name(f"other-{number}")
        other.hardlink_to(log)
        others.append(other)
    for other in others:
        other.unlink()
    return log.stat().st_ino == wanted


@pytest.mark.parametrize("new", [(5,), (5, 6), (5, 6, 7)], ids=["shorter", "as long", "longer"])
def test_a_new_file_with_an_old_inode_is_read_from_its_beginning(tmp_path: Path, new: tuple[int, ...]) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(text(0, 1))
    watch = Watch(log, start="beginning")
    assert lines(0, 1) == watch.new()
    watch.tail.close()
    if not reuse(log, text(*new)):
        # this file system gave no inode twice: the store is made to believe it did
        for row in watch.store.known("edge"):
            watch.store.rows[row.generation] = replace(row, inode=log.stat().st_ino)
    watch.restart()
    assert lines(*new) == watch.new()
    append(log, text(8))
    assert lines(8) == watch.new()
    watch.restart()
    assert [] == watch.later()


def test_files_whose_device_number_changed_with_a_reboot_are_known_by_their_content(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.log").write_bytes(text(*range(ord(name), ord(name) + 3)))
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert 9 == len(watch.new())
    for row in watch.store.known("edge"):
        watch.store.rows[row.generation] = replace(row, device=row.device + 1)
    watch.restart()
    assert [] == watch.later()
    append(tmp_path / "b.log", text(7))
    assert lines(7) == watch.new()


def test_an_archive_with_the_inode_of_an_empty_log_is_not_taken_for_it(tmp_path: Path) -> None:
    """It is the copy of another log that was emptied since; with one file open at a time nobody has either in hand."""
    log = tmp_path / "access.log"
    empty, copy = tmp_path / "access.log.3", tmp_path / "access.log.2"
    log.touch()
    watch = Watch(tmp_path / "access.log*", start="beginning")
    watch.tail._register._allowed = 1
    assert [] == watch.new()
    log.rename(tmp_path / "access.log.1")
    # the copy ends before what was read of its original
    log.write_bytes(text(*range(100)))
    (tmp_path / "access.log.1").rename(copy)
    (tmp_path / "access.log.1").write_bytes(log.read_bytes())
    append(log, text(100, 101))
    assert lines(*range(102)) == watch.new()
    os.truncate(log, 0)
    copy.rename(empty)
    (tmp_path / "access.log.1").rename(copy)
    log.rename(tmp_path / "access.log.1")
    packed = copy.with_name("access.log.2.gz")
    with empty.open("r+b") as inode:
        inode.write(gzip.compress(copy.read_bytes()))
    empty.rename(packed)
    copy.unlink()
    assert [] == watch.later()
    log.write_bytes(text(200))
    assert lines(200) == watch.later() + watch.later()
    watch.restart()
    assert [] == watch.later()
