"""Starting and stopping: the last one started is stopped first; a part that fails to start undoes those before it."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import structlog

log = structlog.get_logger(__name__)


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


@contextmanager
def stopping_on_signals(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`; a second one ends the process at once. Earlier handlers come back at the end."""

    def ask(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
