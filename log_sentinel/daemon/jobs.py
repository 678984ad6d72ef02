"""What runs on a schedule.

The scheduler only says "look": a job finds out itself what is due, so a late or merged run loses nothing.

A job that fails is counted and run again at its next time; it never takes the others or the daemon with it. That it
fails is logged once, and again when it fails in another way.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from log_sentinel.store.faults import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class JobState:
    """How a job fares. Times are UTC."""

    runs: int = 0
    failures: int = 0
    failing_since: datetime | None = None
    last_success: datetime | None = None
    last_error: str | None = None


class Jobs:
    """Named jobs, each run every so often in one thread at a time."""

    def __init__(self) -> None:
        self.states: dict[str, JobState] = {}
        self.stopping = threading.Event()
        self._scheduler = BackgroundScheduler(
            timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None}
        )

    def every(
        self, interval: timedelta, name: str, work: Callable[[datetime], object], *, at_once: bool = False
    ) -> None:
        """`work` is given the present time (UTC). `at_once`: the first run is now, not after the first interval."""
        state = self.states.setdefault(name, JobState())
        first = {"next_run_time": datetime.now(UTC)} if at_once else {}
        self._scheduler.add_job(
            self._run, "interval", args=(name, state, work), seconds=interval.total_seconds(), id=name, **first
        )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        """Returns when the run that is going on, if any, has ended. One that may be long looks at `stopping`."""
        self.stopping.set()
        self._scheduler.shutdown(wait=True)

    def _run(self, name: str, state: JobState, work: Callable[[datetime], object]) -> None:
        now = datetime.now(UTC)
        state.runs += 1
        try:
            work(now)
        except Exception as why:  # told here, where somebody can act; the next run goes on
            state.failures += 1
            state.failing_since = state.failing_since or now
            error = f"{type(why).__name__}: {why}"
            if error != state.last_error:
                # a database that is away fails every job at each of its times: its own words are enough
                traceback = None if isinstance(why, StoreError) else why
                since = state.failing_since.isoformat()
                log.exception("job failed", job=name, since=since, reason=error, exc_info=traceback)
            state.last_error = error
        else:
            if state.failing_since is not None:
                log.info("job works again", job=name)
            state.last_success, state.failing_since, state.last_error = now, None, None
