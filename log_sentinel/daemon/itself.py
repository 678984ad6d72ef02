"""How the daemon looks after itself: notices of what is wrong with it, the daily report, the sign of life."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.findings import outages, stored
from log_sentinel.daemon.findings.parts import findings as of_parts
from log_sentinel.daemon.notices import Notices
from log_sentinel.daemon.report import DailyReport
from log_sentinel.delivery.heartbeat import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from log_sentinel.daemon.findings.finding import Finding
    from log_sentinel.daemon.jobs import Jobs
    from log_sentinel.daemon.patience import Patience
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.store.engine import Database
    from log_sentinel.web.health import Health

NOTICES_EVERY = timedelta(minutes=5)
REPORT_LOOKED_EVERY = timedelta(minutes=1)


def watch_itself(
    jobs: Jobs,
    database: Database,
    settings: Settings,
    health: Callable[[], Health],
    patience: Patience,
    wake: Callable[[], None],
) -> None:
    """Adds the jobs. `health` says how the daemon is; `wake` is called when there is something to tell."""

    def look(now: datetime) -> Iterator[Finding]:
        yield from of_parts((part.name, part.state, part.says, part.todo) for part in health().parts)
        yield from outages.findings(patience.last_outage, now)
        yield from stored.watched(database, settings, now)

    notices = Notices(database, settings.instance, look)
    jobs.every(NOTICES_EVERY, "notices", _waking(wake, notices))
    heartbeat = settings.heartbeat
    if heartbeat is not None and heartbeat.daily_at is not None:
        report = DailyReport(database, settings, heartbeat.daily_at, heartbeat.zone)
        jobs.every(REPORT_LOOKED_EVERY, "report", _waking(wake, report))
    if heartbeat is not None and heartbeat.url is not None:
        sign = Heartbeat(heartbeat.url, settings.instance)
        jobs.every(heartbeat.every, "heartbeat", lambda now: _beat(sign, health(), jobs, now))


def _waking(wake: Callable[[], None], work: Callable[[datetime], object]) -> Callable[[datetime], None]:
    def job(now: datetime) -> None:
        if work(now):
            wake()

    return job


def _beat(sign: Heartbeat, health: Health, jobs: Jobs, now: datetime) -> None:
    """A sign of life, as long as lines come in and detection looks at them: silence must mean trouble."""
    if health.ready and jobs.states["detection"].failing_since is None:
        sign.beat(now)
