"""Deleted logs: their bytes live as long as somebody has them open."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sources.watching import Watch, append, lines, text


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(text(0))
    return path


def open_paths() -> list[str]:
    return [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]


def test_a_deleted_file_is_read_to_its_end_and_then_let_go(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    with log.open("ab") as writer:
        writer.write(text(1))
        writer.flush()
        log.unlink()
        assert lines(1) == watch.new()
        writer.write(text(2))
        writer.flush()
        assert lines(2) == watch.new()
    deleted = f"{log} (deleted)"
    assert deleted in open_paths()
    assert [] == watch.later()
    assert [] == watch.later()
    assert deleted not in open_paths()
    assert [("access.log", "finished", 33)] == watch.states()


def test_a_deleted_file_is_kept_until_its_last_lines_are_committed(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    watch.tail.read(100)
    log.unlink()
    watch.clock.step(11)
    while watch.tail.read(100) is not None:
        pass
    watch.clock.step(11)
    while watch.tail.read(100) is not None:
        pass
    watch.tail.rewind()
    assert lines(1) == watch.new()


def test_a_file_made_anew_after_a_deletion_is_read_from_its_beginning(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    watch.new()
    log.unlink()
    assert [] == watch.new()
    assert ["there is no such file"] == watch.later() + watch.problems()
    log.write_bytes(text(2))
    assert lines(2) == watch.new()
    assert [] == watch.problems()


def test_a_missing_file_is_told_about_and_read_whole_when_it_appears(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    watch = Watch(log)
    assert [] == watch.new()
    (problem,) = watch.tail.problems()
    assert f"{log}: there is no such file. It is read from its beginning when it appears; check the path." == str(
        problem
    )
    watch.restart()
    watch.new()
    log.write_bytes(text(1))
    watch.restart()
    assert lines(1) == watch.new()
    assert [] == watch.problems()
