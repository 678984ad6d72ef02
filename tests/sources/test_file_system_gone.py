"""The file system below the logs goes away, comes back, or gives errors: each line comes once all the same."""

from __future__ import annotations

import errno
import os
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text
from tests.store.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Mounted:
    """A folder that shows another one, as a network share does, until it is gone."""

    def __init__(self, shown: Path, at: Path) -> None:
        self.shown, self.at = shown, at
        at.mkdir()

    def mount(self) -> None:
        subprocess.run(["mount", "--bind", self.shown, self.at], check=True)

    def vanish(self) -> None:
        """As a share whose server is gone: those who have files open keep them."""
        subprocess.run(["umount", "-l", self.at], check=True)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Mounted]:
    with small_disk(tmp_path / "server", megabytes=1) as disk:
        mounted = Mounted(disk.folder, tmp_path / "logs")
        mounted.mount()
        yield mounted
        with suppress(subprocess.CalledProcessError):
            mounted.vanish()


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("rotated", [False, True])
def test_a_share_that_goes_away_and_comes_back_is_read_on_where_it_was(
    share: Mounted, *, restarted: bool, rotated: bool
) -> None:
    log, behind = share.at / "access.log", share.shown / "access.log"
    append(behind, text(0))
    watch = Watch(log, start="beginning")
    got = watch.new()
    share.vanish()
    assert not log.exists()
    if restarted:
        watch.restart()
    got += watch.new() + watch.later()
    assert "there is no such file" in watch.problems()
    append(behind, text(1))
    if rotated:
        behind.rename(share.shown / "access.log.1")
        append(behind, text(2))
    got += watch.later()

    share.mount()
    append(behind, text(3))
    got += watch.new() + watch.later()

    assert (lines(0, 1, 2, 3) if rotated else lines(0, 1, 3)) == sorted(got)
    assert [] == watch.problems()
    watch.restart()
    assert [] == watch.later()


@pytest.mark.parametrize("code", [errno.EIO, errno.ESTALE], ids=["the disk fails", "the share is stale"])
def test_a_file_whose_reading_fails_waits_until_it_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    # a device that fails on demand takes a kernel module; the error comes from where the kernel would give it
    log, other = tmp_path / "access.log", tmp_path / "other.log"
    append(log, text(0))
    append(other, text(7))
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert lines(0, 7) == sorted(watch.new())
    inode, refused = log.stat().st_ino, []
    pread = os.pread

    def failing(descriptor: int, length: int, offset: int) -> bytes:
        if os.fstat(descriptor).st_ino == inode:
            refused.append(offset)
            raise OSError(code, os.strerror(code))
        return pread(descriptor, length, offset)

    append(log, text(1))
    append(other, text(8))
    with monkeypatch.context() as failed:
        failed.setattr(os, "pread", failing)
        assert lines(8) == watch.new() + watch.later()
        watch.restart()
        assert [] == watch.later()
        assert refused
        assert f"the file system says: {os.strerror(code)}" in watch.problems()

    assert lines(1) == watch.new() + watch.later()
    assert [] == watch.problems()
