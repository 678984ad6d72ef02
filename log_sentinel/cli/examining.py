"""What `doctor` finds beyond the settings: the daemon by what it says itself, the rest by what is stored.

The database is looked at even when the daemon is down, and the other way round: whichever is ill, the page is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from log_sentinel.cli import opening
from log_sentinel.cli.asking import asked
from log_sentinel.cli.exits import Failed
from log_sentinel.daemon.findings.finding import Finding, State
from log_sentinel.daemon.findings.parts import findings as of_parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings

ANSWER_WITHIN_SECONDS = 5.0


def findings(loaded: Loaded[Settings], now: datetime) -> list[Finding]:
    """What the daemon says, then database, channels and sources. `now` is UTC."""
    return [*_daemon(loaded), *_stored(loaded, now)]


def _daemon(loaded: Loaded[Settings]) -> Iterator[Finding]:
    try:
        _, health = asked(loaded.settings.web, ANSWER_WITHIN_SECONDS)
    except Failed as failed:
        yield Finding(State.WRONG, "daemon", str(failed), "Start it: log-sentinel run")
        return
    yield Finding(State.FINE, "daemon", f"answers at {loaded.settings.web.listen}: {health['state']}")
    yield from of_parts((part["name"], part["state"], part["says"], part["todo"]) for part in health.get("parts", []))


def _stored(loaded: Loaded[Settings], now: datetime) -> Iterator[Finding]:
    from log_sentinel.daemon.findings import stored
    from log_sentinel.store.faults import StoreError

    try:
        with opening.database(loaded) as database:
            yield from stored.everything(database, loaded.settings, now)
    except (StoreError, Failed) as error:
        yield Finding(State.WRONG, "database", str(error))
