"""What the stored tells: the one place where `doctor` and the daemon's notices have their findings from.

What must not be found at once by chance (a source's silence, a clock) is looked at over the last day.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.daemon.findings import addresses, channels, database, files, rejects, times
from log_sentinel.store import vitals
from log_sentinel.store.outbox import standings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from log_sentinel.daemon.findings.finding import Finding
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.store.engine import Database

# Blindness is a matter of now, and one quiet night is none.
DAY = timedelta(days=1)


def everything(stored: Database, settings: Settings, now: datetime) -> Iterator[Finding]:
    """For `doctor`: database, sources and channels, the database's file looked through. Raises StoreError."""
    yield from database.findings(stored, settings.retention, now)
    yield from channels.findings(standings(stored), settings.channels)
    yield from _sources(stored, settings, now)


def watched(stored: Database, settings: Settings, now: datetime) -> Iterator[Finding]:
    """What the daemon can look at every few minutes. Raises StoreError."""
    yield from database.room(stored)
    yield from _sources(stored, settings, now)


def _sources(stored: Database, settings: Settings, now: datetime) -> Iterator[Finding]:
    names, instance = settings.sources, settings.instance
    seen = vitals.files(stored, instance, now - files.ROTATED_WITHIN)
    requests = vitals.source_minutes(stored, instance, now - DAY, now + DAY)
    yield from files.findings(seen, names, now)
    yield from rejects.findings(vitals.rejected(stored, instance, now - DAY), requests, names, now)
    if settings.parsing.addresses != "hashed":  # whose proxy a pseudonym is, nobody can tell
        yield from addresses.findings(*vitals.denied_by_address(stored, instance, now - DAY))
    yield from times.findings(requests, seen, names, now)
