"""Logs that may not be read. The superuser may read everything, so a child without privileges does the looking."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from log_sentinel.sources import opening
from tests.sources.watching import Watch, append, lines, text

NOBODY = 65534


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "access.log"
    path.write_bytes(text(0))
    return path


@pytest.fixture
def _forbidden(monkeypatch: pytest.MonkeyPatch, log: Path) -> None:
    """The seam for whoever runs the tests as root: opening says no while the file's mode has no right to read."""
    really = opening.PlainFile.open.__func__  # type: ignore[attr-defined]

    def refuse(cls: type, path: str) -> object:
        if Path(path).stat().st_mode & 0o444 == 0:
            raise opening.cannot_read(path, PermissionError(13, "Permission denied"))
        return really(cls, path)

    monkeypatch.setattr(opening.PlainFile, "open", classmethod(refuse))


@pytest.mark.usefixtures("_forbidden")
def test_a_new_file_that_may_not_be_read_is_told_about_and_read_when_it_may(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    log.rename(log.with_name("access.log.1"))
    log.write_bytes(text(2))
    log.chmod(0)
    assert lines(1) == watch.new()
    assert [f"user {os.geteuid()} may not read it"] == watch.problems()
    assert [] == watch.later()
    log.chmod(0o640)
    assert lines(2) == watch.new()
    assert [] == watch.problems()


@pytest.mark.usefixtures("_forbidden")
def test_a_checkpoint_outlives_the_time_its_file_may_not_be_read(log: Path) -> None:
    watch = Watch(log)
    watch.new()
    append(log, text(1))
    watch.new()
    log.chmod(0)
    watch.restart()
    assert [] == watch.later()
    append(log, text(2))
    log.chmod(0o640)
    assert lines(2) == watch.new()


@pytest.mark.usefixtures("_forbidden")
def test_lines_from_before_the_first_look_stay_unread_when_the_file_opens_to_us_later(log: Path) -> None:
    log.chmod(0)
    watch = Watch(log)
    assert [] == watch.new()
    append(log, text(1))
    log.chmod(0o640)
    assert lines(1) == watch.new()


@pytest.mark.usefixtures("_forbidden")
def test_other_files_go_on(tmp_path: Path, log: Path) -> None:
    other = tmp_path / "other.log"
    other.touch()
    watch = Watch(tmp_path / "*.log")
    log.chmod(0)
    watch.new()
    append(other, text(1))
    assert lines(1) == watch.new()


def test_the_kernel_itself_says_no_to_a_user_without_rights(log: Path) -> None:
    log.chmod(0)
    watch = Watch(log)
    if os.geteuid() != 0:
        assert [] == watch.new()
        assert [f"user {os.geteuid()} may not read it"] == watch.problems()
        return
    for folder in [folder for folder in log.parents if "pytest" in folder.name]:
        folder.chmod(0o755)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(NOBODY)
        os.write(writing, pickle.dumps((watch.new(), watch.problems())))
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as answer:
        assert ([], [f"user {NOBODY} may not read it"]) == pickle.load(answer)
