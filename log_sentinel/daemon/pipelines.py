"""The ingests of one daemon, as one part: that of files and streams, and that of senders who wait for an answer.

They share their patience, so that all of them stop when one is asked to or fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from log_sentinel.daemon.ingest import Ingest


class Pipelines:
    """Started and stopped together, in their order; each waits for the same database.

    `is_over` says whether their sources can give anything more.
    """

    def __init__(self, ingests: Sequence[Ingest], is_over: Callable[[], bool]) -> None:
        self._ingests = ingests
        self._is_over = is_over

    @property
    def idle(self) -> bool:
        """Whether everything that was read is committed."""
        return all(one.idle for one in self._ingests)

    @property
    def done(self) -> bool:
        """Whether everything there will ever be is committed."""
        return self._is_over() and self.idle

    @property
    def ended(self) -> bool:
        """Whether one has ended, however that came; then the others are ending."""
        return any(one.finished.is_set() for one in self._ingests)

    @property
    def failure(self) -> Exception | None:
        """Why one ended, if it was not meant to."""
        return next((one.failure for one in self._ingests if one.failure is not None), None)

    @property
    def waiting_for_database(self) -> str | None:
        """Why the database is waited for; None when it is not."""
        return next((why for one in self._ingests if (why := one.waiting_for_database) is not None), None)

    def start(self) -> None:
        for one in self._ingests:
            one.start()

    def stop(self) -> None:
        """Ends reading, commits what was read and returns."""
        for one in self._ingests:
            one.stop()
