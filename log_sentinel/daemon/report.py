"""The daily message that proves that quiet is quiet: what was read and found in a day, and that somebody looks.

It comes at its time of day or, when the daemon was down then, not at all: that it is missing says so. What was told is
kept, so that a restart does not tell it again.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import polars as pl

from log_sentinel.daemon.findings.finding import Notice
from log_sentinel.daemon.notices import WHO, notice
from log_sentinel.model.incident import Happening, HappeningKind, IncidentState
from log_sentinel.model.spike import Dimension
from log_sentinel.store import incidents, readers, vitals
from log_sentinel.store.outbox import standings

if TYPE_CHECKING:
    from datetime import time

    from log_sentinel.daemon.settings import Settings
    from log_sentinel.model.incident import Incident
    from log_sentinel.store.engine import Database

DAY = timedelta(days=1)
# A report that is later than this would speak of another day.
LATE = timedelta(hours=1)


class DailyReport:
    """Due at `at` in `zone`. Call it every minute."""

    def __init__(self, database: Database, settings: Settings, at: time, zone: str) -> None:
        self._database = database
        self._settings = settings
        self._at, self._zone = at, ZoneInfo(zone)
        self._told: datetime | None = None

    def __call__(self, now: datetime) -> bool:
        """Gives whether there is a report to tell. Raises StoreError."""
        due = last_due(self._at, self._zone, now)
        if now - due >= LATE or self._told == due:
            return False
        report = self._report(due, now)
        with self._database.write() as connection:
            new = not incidents.is_there(connection, report)
            if new:
                # over as soon as it is told: nobody has to end it
                told = Happening(HappeningKind.OPENED, now, replace(report, state=IncidentState.OPEN), WHO)
                incidents.record(connection, [], [report], [told], now)
        self._told = due
        return new

    def _report(self, due: datetime, now: datetime) -> Incident:
        instance = self._settings.instance
        figures = self._figures(now)
        evidence = {"says": _says(figures), "figures": [[label, text] for label, text in figures.items()]}
        # one a day: the day is part of the key
        made = notice(Notice.REPORT.value, f"report of {due.astimezone(self._zone):%Y-%m-%d}", instance, evidence, now)
        return replace(made, state=IncidentState.RESOLVED, resolved_at=now)

    def _figures(self, now: datetime) -> dict[str, str]:
        """Of the last day, by label."""
        since, instance = now - DAY, self._settings.instance
        requests = vitals.source_minutes(self._database, instance, since, now + DAY)
        rejects = int(vitals.rejected(self._database, instance, since)["n"].sum())
        _, denials = vitals.denied_by_address(self._database, instance, since)
        opened = vitals.opened_incidents(self._database, since, Dimension.SELF)
        unresolved = incidents.unresolved(self._database)
        notices = sum(one.dimension is Dimension.SELF for one in unresolved)
        by_source = dict(requests.group_by("source").agg(pl.col("n").sum()).rows())
        channels = standings(self._database)
        total = readers.totals(self._database)
        return {
            "Lines read": f"{requests['n'].sum() + rejects:,}, {rejects:,} of them could not be read",
            "Denials": f"{denials:,} ({total.denials:,} are kept)",
            "Incidents": f"{opened:,} opened, {len(unresolved) - notices:,} not resolved",
            "Sources": ", ".join(f"{name} {by_source.get(name, 0):,}" for name in self._settings.sources) or "none",
            "Channels": ", ".join(
                f"{name} {channels[name].waiting if name in channels else 0:,} waiting"
                for name in self._settings.channels
            )
            or "none",
            "Notices": f"{notices:,} open" if notices else "none open",
        }


def last_due(at: time, zone: ZoneInfo, now: datetime) -> datetime:
    """The last time (UTC) up to `now` when it was `at` in `zone`; where clocks are changed, once a day all the same."""
    here = now.astimezone(zone)
    today = datetime.combine(here.date(), at, zone).astimezone(UTC)
    return today if today <= now else datetime.combine(here.date() - DAY, at, zone).astimezone(UTC)


def _says(figures: dict[str, str]) -> str:
    told = "; ".join(f"{label.lower()}: {text}" for label, text in figures.items() if label in ("Denials", "Incidents"))
    return f"log-sentinel works. In the last day, lines read: {figures['Lines read']}; {told}"
