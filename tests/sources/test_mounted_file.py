"""A single file mounted into a container goes on showing the old log after a rotation outside: it is said at once."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """The log as its gateway has it, and the file it is mounted as."""
    outside, inside = tmp_path / "access.log", tmp_path / "mounted.log"
    append(outside, text(0))
    inside.touch()
    tried = subprocess.run(["mount", "--bind", outside, inside], check=False, capture_output=True, text=True)
    if tried.returncode:
        pytest.skip(f"a file cannot be mounted here (root may): {tried.stderr.strip()}")
    yield outside, inside
    subprocess.run(["umount", "-l", inside], check=True)


def test_a_log_that_is_a_mount_is_read_and_its_owner_told_to_mount_the_folder(mounted: tuple[Path, Path]) -> None:
    outside, inside = mounted
    watch = Watch(inside, start="beginning")

    assert lines(0) == watch.new()
    assert ["this file is mounted by itself, so its rotation outside cannot be seen here"] == watch.problems()
    assert ["Mount the folder it is in."] == [problem.to_do for problem in watch.tail.problems()]

    # what the warning is about, witnessed: the mount shows the rotated file, whatever its name is now
    outside.rename(outside.with_name("access.log.1"))
    append(outside, text(2))
    append(outside.with_name("access.log.1"), text(1))
    assert lines(1) == watch.later()
