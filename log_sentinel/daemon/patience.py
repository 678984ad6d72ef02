"""Waits for a database that is away: asks again with growing delay, until it answers or somebody asks to stop.

The sources ask for checkpoints in the middle of a look at the files. If such a question failed, what they had found out
by then would be half of the truth; so it is put again until it is answered, and they never see that it had to wait.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import structlog

from log_sentinel.store.engine import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from log_sentinel.model.lines import Checkpoint
    from log_sentinel.sources.checkpoints import Checkpoints

log = structlog.get_logger(__name__)

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.5, 30.0

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Outage:
    """The database did not answer for so many `seconds`, by the monotonic clock, until `until` (UTC). `reason`: why."""

    reason: str
    until: datetime
    seconds: float


class Patience:
    """Shared by all threads that carry lines. `waiting` says why one of them waits, None when none does.

    `last_outage` is the last one that is over. `clock` is monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.stopping = threading.Event()
        self.last_outage: Outage | None = None
        self._waiting: dict[int, str] = {}
        self._lock = threading.Lock()
        self._clock = clock
        self._began = 0.0
        self._seconds_before = 0.0

    @property
    def waiting(self) -> str | None:
        with self._lock:
            return next(iter(self._waiting.values()), None)

    @property
    def seconds_waited(self) -> float:
        """How long the database was waited for in all, the wait that goes on now included."""
        with self._lock:
            return self._seconds_before + (self._clock() - self._began if self._waiting else 0.0)

    def until_answered(self, ask: Callable[[], Answer], failed: Callable[[], None] = lambda: None) -> Answer:
        """What `ask` gives, as soon as the database answers; `failed` is called each time it does not.

        Raises the last StoreError when it is time to stop.
        """
        retry = FIRST_RETRY_SECONDS
        try:
            while True:
                try:
                    return ask()
                except StoreError as why:
                    failed()
                    self._wait_for(str(why))
                    if self.stopping.wait(retry):
                        raise
                    retry = min(2 * retry, LONGEST_RETRY_SECONDS)
        finally:
            self._no_more_waiting()

    def _wait_for(self, why: str) -> None:
        with self._lock:
            if not self._waiting:
                self._began = self._clock()
                log.warning("database is not available; waiting, the files keep the lines", reason=why)
            self._waiting[threading.get_ident()] = why

    def _no_more_waiting(self) -> None:
        with self._lock:
            waited = self._waiting.pop(threading.get_ident(), None)
            if waited is None or self._waiting:
                return
            seconds = self._clock() - self._began
            self._seconds_before += seconds
            if not self.stopping.is_set():
                self.last_outage = Outage(waited, datetime.now(UTC), seconds)
                log.info("database is back", after_seconds=round(seconds, 1))


class PatientCheckpoints:
    """Checkpoints (sources.checkpoints.Checkpoints) whose questions wait for the database."""

    def __init__(self, checkpoints: Checkpoints, patience: Patience) -> None:
        self._checkpoints = checkpoints
        self._patience = patience

    def known(self, source: str) -> list[Checkpoint]:
        return self._patience.until_answered(lambda: self._checkpoints.known(source))

    def begin(self, checkpoint: Checkpoint) -> Checkpoint:
        return self._patience.until_answered(lambda: self._checkpoints.begin(checkpoint))

    def mark(self, checkpoint: Checkpoint) -> None:
        self._patience.until_answered(lambda: self._checkpoints.mark(checkpoint))
