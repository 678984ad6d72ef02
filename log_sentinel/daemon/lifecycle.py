"""Starting and stopping: the last one started is stopped first; a part that fails to start undoes those before it."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog

log = structlog.get_logger(__name__)

# Somebody may hold a lock on the database, or a server not answer, for longer than whoever stops us waits.
STOPS_WITHIN_SECONDS = 9.0


class Parts:
    """The started parts, as a stack of named ways to stop them."""

    def __init__(self) -> None:
        self._stops: list[tuple[str, Callable[[], None]]] = []

    def started(self, name: str, stop: Callable[[], None]) -> None:
        """`name` runs from now on; `stop` ends it and returns when it has ended."""
        self._stops.append((name, stop))

    def stop(self) -> list[str]:
        """Stops every part, last in first out. A part that fails to stop is logged and does not hold up the others.

        Gives the names of the parts that failed.
        """
        failed = []
        while self._stops:
            name, stop = self._stops.pop()
            try:
                stop()
            except Exception:  # the parts below must still be stopped
                log.exception("part did not stop cleanly", part=name)
                failed.append(name)
        return failed

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Asked:
    """What signals have asked of the daemon: SIGTERM or SIGINT to stop, SIGHUP to read its settings again."""

    def __init__(self) -> None:
        self._something = threading.Event()
        self._stop = self._reload = False

    @property
    def to_stop(self) -> bool:
        return self._stop

    def stop(self) -> None:
        self._stop = True
        self._something.set()

    def reload(self) -> None:
        self._reload = True
        self._something.set()

    def taken_reload(self) -> bool:
        """Whether a reload was asked for since the last call."""
        self._something.clear()
        if self._stop:
            self._something.set()
        asked, self._reload = self._reload, False
        return asked

    def wait(self, seconds: float) -> None:
        """Returns when something is asked, or after `seconds`."""
        self._something.wait(seconds)


@contextmanager
def listening_to_signals(asked: Asked) -> Iterator[None]:
    """Signals go to `asked`; a second one to stop ends the process at once. Earlier handlers come back at the end.

    Whatever has not stopped STOPS_WITHIN_SECONDS after the first one is left as it is, as by a kill: nothing is lost by
    that, and what was not stored is read again.
    """
    late = threading.Timer(STOPS_WITHIN_SECONDS, _end)
    late.daemon = True

    def ask_to_stop(number: int, _: FrameType | None) -> None:
        if asked.to_stop:
            os._exit(128 + number)
        asked.stop()
        late.start()

    def ask_to_reload(_number: int, _: FrameType | None) -> None:
        asked.reload()

    handlers = {signal.SIGTERM: ask_to_stop, signal.SIGINT: ask_to_stop, signal.SIGHUP: ask_to_reload}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        late.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)


def _end() -> None:
    log.warning("not all parts stopped in time; they are left, and what is not stored is read again at the next start")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
