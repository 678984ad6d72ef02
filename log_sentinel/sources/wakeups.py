"""Shortens the wait for new lines. A wake-up says "look now" and nothing else: what it says is never relied on.

The kernel merges events, drops them when its queue is full, and has none for files that are changed elsewhere (NFS,
bind mounts of single files). So whoever waits here looks again after every wait, and the timeout bounds how late.
"""

from __future__ import annotations

import errno
import threading
from typing import TYPE_CHECKING, Protocol

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from watchdog.observers.api import BaseObserver

log = structlog.get_logger(__name__)

# Each takes a thread. Lines in other folders are found by polling.
MOST_WATCHED = 32
LIMITS = {
    errno.ENOSPC: "raise fs.inotify.max_user_watches",
    errno.EMFILE: "raise fs.inotify.max_user_instances, or the limit of open files",
}


class Wakeups(Protocol):
    def wait(self, timeout: float) -> None:
        """Returns at a wake-up since the last wait, or after `timeout` seconds."""

    def wake(self) -> None:
        """Ends the wait that is going on, or the next one. From any thread."""

    def watch(self, folders: Iterable[Path]) -> None:
        """Wakes at changes of what is directly in `folders`, and no more at others."""

    def close(self) -> None: ...


class DirectoryWakeups:
    """Wake-ups by the system's file events. Where there are none to be had, it says so once and waits the time out."""

    def __init__(self, make_observer: Callable[[], BaseObserver] | None = None) -> None:
        self._make_observer = make_observer or _observer
        self._woken = threading.Event()
        self._folders: frozenset[Path] = frozenset()
        self._observer: BaseObserver | None = None
        self._given_up = False

    def wait(self, timeout: float) -> None:
        self._woken.wait(timeout)
        self._woken.clear()

    def wake(self) -> None:
        self._woken.set()

    def watch(self, folders: Iterable[Path]) -> None:
        # a folder that is not there yet cannot be watched; the caller names it again after its next look
        wanted = frozenset(folder for folder in folders if folder.is_dir())
        if self._given_up or wanted == self._folders:
            return
        self._stop()
        self._folders = wanted
        if not wanted:
            return
        self._observer = observer = self._make_observer()
        try:
            _schedule(observer, sorted(wanted)[:MOST_WATCHED], self.wake)
            observer.start()
        except OSError as why:
            self._given_up = True
            self._stop()
            log.warning(
                "file events are not available; new lines are found by polling alone",
                reason=why.strerror,
                what_to_do=LIMITS.get(why.errno or 0, "nothing, if new lines a poll interval later are soon enough"),
            )

    def close(self) -> None:
        self._stop()

    def _stop(self) -> None:
        observer, self._observer = self._observer, None
        if observer is None:
            return
        observer.unschedule_all()
        if observer.is_alive():
            observer.stop()
            observer.join()


def _observer() -> BaseObserver:
    from watchdog.observers import Observer  # half of the daemon's commands never wait for a file

    return Observer()


def _schedule(observer: BaseObserver, folders: Iterable[Path], wake: Callable[[], None]) -> None:
    from watchdog import events

    class Waker(events.FileSystemEventHandler):
        def dispatch(self, event: events.FileSystemEvent) -> None:
            wake()

    # what our own reading makes (opened, closed without writing) is not among them: we would wake ourselves for ever
    kinds = [events.FileModifiedEvent, events.FileCreatedEvent, events.FileMovedEvent, events.FileDeletedEvent]
    for folder in folders:
        observer.schedule(Waker(), str(folder), event_filter=kinds)
