"""A source tells how far behind it is also while its reading thread waits and looks at nothing."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.sources.watching import Watch, append, lines, text

if TYPE_CHECKING:
    from pathlib import Path

LINE = len(text(0))
POLLED = 1.0


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(text(*range(10)))
    return path


@pytest.fixture
def watch(log: Path) -> Watch:
    """Has read everything, and then nobody reads for a while."""
    watch = Watch(log, start="beginning")
    assert watch.new() == lines(*range(10))
    watch.clock.step(3 * POLLED)
    return watch


def test_what_is_appended_while_nobody_reads_is_behind(watch: Watch, log: Path) -> None:
    assert watch.tail.behind() == 0
    for already in range(3):
        append(log, text(10 + already))
        assert watch.tail.behind() == LINE * (already + 1)
    watch.new()
    assert watch.tail.behind() == 0


def test_a_new_file_under_the_name_is_behind_and_so_is_what_came_into_the_renamed_one(watch: Watch, log: Path) -> None:
    log.rename(log.with_name("access.log.1"))
    append(log.with_name("access.log.1"), text(10))
    assert watch.tail.behind() == LINE
    log.write_bytes(text(11, 12))
    assert watch.tail.behind() == 3 * LINE
    assert watch.later() == lines(10, 11, 12)
    assert watch.tail.behind() == 0


def test_all_of_a_file_that_was_emptied_and_written_anew_is_behind(watch: Watch, log: Path) -> None:
    log.with_name("access.log.1").write_bytes(log.read_bytes())
    log.write_bytes(text(10, 11))
    assert watch.tail.behind() == 2 * LINE


def test_a_file_that_is_gone_leaves_what_was_known_of_it(log: Path, tmp_path: Path) -> None:
    watch = Watch(tmp_path / "*.log", start="beginning")
    assert watch.tail.read(LINE) is not None
    assert watch.tail.behind() == 9 * LINE
    watch.clock.step(3 * POLLED)
    log.unlink()
    assert watch.tail.behind() == 9 * LINE


def test_an_archive_is_behind_by_what_was_known_of_it(log: Path) -> None:
    """What it unpacks to, nobody knows before."""
    watch = Watch(log, start="beginning")
    watch.tail.read(LINE)
    archive = log.with_name("access.log.1.gz")
    archive.write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    watch.restart()
    assert watch.tail.read(LINE) is not None
    before = watch.tail.behind()
    watch.clock.step(3 * POLLED)
    assert watch.tail.behind() == before > 0
