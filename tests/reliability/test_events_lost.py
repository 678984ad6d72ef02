"""The kernel drops file events when nobody takes them: what they would have told is found all the same."""

from __future__ import annotations

import ctypes
import os
import signal
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.end_to_end.running import a_daemon, number, rows, settings_file
from tests.reliability.logs import SOURCE, line
from tests.reliability.test_signals import state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

QUEUE = Path("/proc/sys/fs/inotify/max_queued_events")
IN_CREATE, IN_DELETE, IN_Q_OVERFLOW = 0x100, 0x200, 0x4000
IN_NONBLOCK = os.O_NONBLOCK
READ_BYTES = 16 << 20


@contextmanager
def a_queue(folder: Path) -> Iterator[int]:
    """Another queue of the same events, which nobody reads either: it shows what became of the daemon's."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(IN_NONBLOCK)
    assert libc.inotify_add_watch(descriptor, os.fsencode(folder), IN_CREATE | IN_DELETE) >= 0
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def ran_over(queue: int) -> bool:
    data, at, seen = os.read(queue, READ_BYTES), 0, False
    while at < len(data):
        _, mask, _, length = struct.unpack_from("iIII", data, at)
        seen = seen or bool(mask & IN_Q_OVERFLOW)
        at += 16 + length
    return seen


def test_lines_and_rotations_whose_events_were_dropped_are_found_once(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log, url = folder / "access.log", f"sqlite:///{tmp_path}/sentinel.db"
    log.write_text("".join(map(line, range(100))))
    settings = settings_file(tmp_path / "etc", SOURCE.format(log), url=url)
    with a_daemon(settings) as daemon, a_queue(folder) as queue:
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") == 100, "the first lines")
        daemon.process.send_signal(signal.SIGSTOP)
        daemon.wait_until(lambda: state_of(daemon) == "T", "it to stand still")
        for other in range(int(QUEUE.read_text()) // 2 + 100):
            path = folder / f"{other}.tmp"
            path.touch()
            path.unlink()
        with log.open("a") as file:
            file.write("".join(map(line, range(100, 200))))
        log.rename(folder / "access.log.1")
        log.write_text("".join(map(line, range(200, 300))))
        assert ran_over(queue)
        daemon.process.send_signal(signal.SIGCONT)
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") == 300, "lines nobody told of")
        with log.open("a") as file:
            file.write("".join(map(line, range(300, 400))))
        daemon.wait_until(lambda: number(url, "select sum(n) from traffic") == 400, "lines after the flood")
    assert list(range(400)) == sorted(int(path.rpartition("/")[2]) for (path,) in rows(url, "select path from denials"))
