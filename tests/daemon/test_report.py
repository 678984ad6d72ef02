from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert

from log_sentinel.daemon.report import DailyReport, last_due
from log_sentinel.daemon.settings import Settings
from log_sentinel.sources.settings import FileSource
from log_sentinel.store import incidents, tables
from log_sentinel.store.outbox import any_to_fan_out

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

EIGHT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def settings() -> Settings:
    return Settings(instance="edge-1", sources={"edge": FileSource(path="/x.log"), "inner": FileSource(path="/y.log")})


def report(database: Database) -> DailyReport:
    return DailyReport(database, settings(), time(8), "UTC")


def test_it_says_what_was_read_and_found_in_a_day(database: Database) -> None:
    where = {"instance": "edge-1", "source": "edge", "route": "/a"}
    with database.write() as connection:
        connection.execute(
            insert(tables.traffic),
            [{**where, "minute": EIGHT - timedelta(hours=h), "status": 200, "n": 1000} for h in (1, 2, 30)],
        )
        connection.execute(
            insert(tables.denied_minutes),
            [
                {
                    **where,
                    "minute": EIGHT - timedelta(hours=1),
                    "client": "",
                    "ip": "",
                    "status": 403,
                    "cause": "",
                    "n": 7,
                }
            ],
        )
        connection.execute(
            insert(tables.reject_counts),
            [{"instance": "edge-1", "source": "edge", "hour": EIGHT - timedelta(hours=1), "reason": "odd", "n": 5}],
        )

    assert report(database)(EIGHT)

    [told] = incidents.listing(database)
    assert ("daily-report", "edge-1: report of 2026-11-24", "resolved") == (told.rule, told.key, told.state)
    figures = dict(told.evidence["figures"])  # type: ignore[call-overload]
    assert {
        "Lines read": "2,005, 5 of them could not be read",
        "Denials": "7 (7 are kept)",
        "Incidents": "0 opened, 0 not resolved",
        "Sources": "edge 2,000, inner 0",
        "Channels": "none",
        "Notices": "none open",
    } == figures
    assert any_to_fan_out(database)


def test_it_comes_once_a_day_whoever_restarts(database: Database) -> None:
    told = [report(database)(EIGHT + timedelta(minutes=minute)) for minute in (-1, 0, 1, 59, 24 * 60, 24 * 60 + 1)]

    assert [False, True, False, False, True, False] == told


def test_a_daemon_that_was_down_at_its_time_does_not_pretend(database: Database) -> None:
    assert not report(database)(EIGHT + timedelta(hours=1))


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-03-28T07:00+00:00", "2026-03-28T07:00+00:00"),
        ("2026-03-29T05:59+00:00", "2026-03-28T07:00+00:00"),
        ("2026-03-29T06:00+00:00", "2026-03-29T06:00+00:00"),
        ("2026-10-25T06:59+00:00", "2026-10-24T06:00+00:00"),
        ("2026-10-25T07:00+00:00", "2026-10-25T07:00+00:00"),
    ],
)
def test_eight_in_berlin_is_eight_in_berlin_when_clocks_are_changed(now: str, due: str) -> None:
    assert datetime.fromisoformat(due) == last_due(time(8), ZoneInfo("Europe/Berlin"), datetime.fromisoformat(now))
