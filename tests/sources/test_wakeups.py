"""Wake-ups shorten a wait; nothing relies on them."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from log_sentinel.sources.wakeups import DirectoryWakeups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAR = 60.0


@pytest.fixture
def wakeups() -> Iterator[DirectoryWakeups]:
    made = DirectoryWakeups()
    yield made
    made.close()


class Counting(DirectoryWakeups):
    times = 0

    def wake(self) -> None:
        self.times += 1
        super().wake()


def wakes(wakeups: DirectoryWakeups, happen: Callable[[], object]) -> bool:
    """Whether a wait ends by itself after `happen`; the test's own timeout ends it otherwise."""
    waiting = threading.Thread(target=wakeups.wait, args=(FAR,), daemon=True)
    happen()
    waiting.start()
    waiting.join(20)
    return not waiting.is_alive()


def test_a_write_a_new_file_a_rename_and_a_deletion_each_end_the_wait(
    tmp_path: Path, wakeups: DirectoryWakeups
) -> None:
    log = tmp_path / "access.log"
    wakeups.watch([tmp_path])
    assert wakes(wakeups, log.touch)
    assert wakes(wakeups, lambda: log.write_bytes(b"x"))
    assert wakes(wakeups, lambda: log.rename(tmp_path / "access.log.1"))
    assert wakes(wakeups, (tmp_path / "access.log.1").unlink)


def test_our_own_reading_wakes_nobody(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"x")
    wakeups = Counting()
    try:
        wakeups.watch([tmp_path])
        for _ in range(50):
            log.read_bytes()
        # events come in the order they happened: once this one has arrived, those of the reading would have, too
        assert wakes(wakeups, (tmp_path / "marker").touch)
        assert wakeups.times < 10
    finally:
        wakeups.close()


def test_a_wake_up_before_the_wait_is_not_lost(wakeups: DirectoryWakeups) -> None:
    wakeups.wake()
    assert wakes(wakeups, lambda: None)


def test_folders_are_watched_when_they_appear_and_no_more_when_they_are_not_wanted(
    tmp_path: Path, wakeups: DirectoryWakeups
) -> None:
    late, other = tmp_path / "late", tmp_path / "other"
    other.mkdir()
    wakeups.watch([late, other])
    late.mkdir()
    wakeups.watch([late])
    assert wakes(wakeups, (late / "log").touch)
    assert {late} == wakeups._folders


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE])
def test_where_the_system_has_no_watch_left_it_is_said_once_and_polling_goes_on(tmp_path: Path, code: int) -> None:
    class Exhausted:
        def schedule(self, *args: object, **settings: object) -> None:
            raise OSError(code, "No space left on device")

        def unschedule_all(self) -> None:
            pass

        def is_alive(self) -> bool:
            return False

    wakeups = DirectoryWakeups(Exhausted)  # type: ignore[arg-type]
    with capture_logs() as told:
        for name in "abc":
            (tmp_path / name).mkdir()
            wakeups.watch([tmp_path / name])
    wakeups.wait(0.0)
    wakeups.close()
    assert ["warning"] == [one["log_level"] for one in told]
    assert "file events are not available; new lines are found by polling alone" == told[0]["event"]
    assert told[0]["what_to_do"].startswith("raise fs.inotify.max_user_")


def test_a_folder_that_cannot_be_watched_does_not_end_the_daemon(tmp_path: Path, wakeups: DirectoryWakeups) -> None:
    wakeups.watch([tmp_path / "missing"])
    wakeups.wait(0.0)


def test_the_settings_load_neither_watchdog_nor_polars() -> None:
    code = (
        "import sys, log_sentinel.sources.settings, log_sentinel.sources.tailer, log_sentinel.sources.wakeups\n"
        "print([name for name in ('watchdog', 'polars', 'sqlalchemy') if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == told.stdout
