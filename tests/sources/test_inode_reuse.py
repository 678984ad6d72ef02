"""A file system gives the inode of a deleted file to the next one it makes."""

from __future__ import annotations

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
