"""What `doctor` finds beyond the settings: the daemon by what it says itself, the rest by what is stored.

The database is looked at even when the daemon is down, and the other way round: whichever is ill, the page is whole.
"""

from __future__ import annotations

import ipaddress
import shutil
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

from log_sentinel.cli import opening
from log_sentinel.cli.asking import asked
from log_sentinel.cli.checking import Finding, State
from log_sentinel.cli.exits import Failed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    import polars as pl

    from log_sentinel.config.load import Loaded
    from log_sentinel.daemon.settings import Settings
    from log_sentinel.store.engine import Database

ANSWER_WITHIN_SECONDS = 5.0
STATES = {"ok": State.FINE, "troubled": State.NOTE, "failing": State.WRONG}

# Two connections that move the WAL at once can damage a file: https://www.sqlite.org/wal.html, "The WAL-Reset Bug"
SQLITE_WITHOUT_RESET_BUG = (3, 51, 3)
LITTLE_SPACE_BYTES = 1 << 30

# The last day: blindness is a matter of now, and one quiet night is none.
LOOKED_BACK = timedelta(days=1)
# From so many denials on, one address with more than half of them is worth a look.
ENOUGH_DENIALS = 100
# A source is silent when others have gone on for so long without it.
SILENT_FOR = timedelta(minutes=30)


def findings(loaded: Loaded[Settings], now: datetime) -> list[Finding]:
    """What the daemon says, then database, sources and channels. `now` is UTC."""
    return [*_daemon(loaded), *_stored(loaded, now)]


def _daemon(loaded: Loaded[Settings]) -> Iterator[Finding]:
    try:
        _, health = asked(loaded.settings.web, ANSWER_WITHIN_SECONDS)
    except Failed as failed:
        yield Finding(State.WRONG, "daemon", str(failed), "Start it: log-sentinel run")
        return
    yield Finding(State.FINE, "daemon", f"answers at {loaded.settings.web.listen}: {health['state']}")
    for part in health.get("parts", []):
        yield Finding(STATES.get(part["state"], State.NOTE), part["name"], part["says"], part["todo"])


def _stored(loaded: Loaded[Settings], now: datetime) -> Iterator[Finding]:
    from log_sentinel.store.faults import StoreError

    try:
        with opening.database(loaded) as database:
            yield from _database(database, now)
            yield from _files(database, loaded)
            yield from _channels(database, loaded)
            yield from _blindness(database, loaded, now)
    except (StoreError, Failed) as error:
        yield Finding(State.WRONG, "database", str(error))


def _database(database: Database, now: datetime) -> Iterator[Finding]:
    from log_sentinel.store import migrating
    from log_sentinel.store.readers import totals

    if not migrating.is_current(database):
        yield Finding(State.WRONG, "database", "its tables are of an older version", "Run: log-sentinel db upgrade")
        return
    held = totals(database)
    size = ""
    if database.path is not None:
        parts = [database.path.with_name(database.path.name + end) for end in ("", "-wal")]
        size = f", {sum(part.stat().st_size for part in parts if part.exists()) / 1e6:.1f} MB"
        yield from _sqlite(database)
    yield Finding(
        State.FINE,
        "database",
        f"{database.redacted_url}{size}: {held.denials} denials of {held.requests} requests, "
        f"{held.unresolved_incidents} incidents not resolved",
    )
    if held.newest_denial is not None and held.newest_denial > now + timedelta(minutes=5):
        yield Finding(
            State.WRONG,
            "clock",
            f"the newest denial is of {held.newest_denial:%Y-%m-%d %H:%M:%S} UTC, which is still to come",
            "Set this machine's clock and the gateway's, or `zone` of the source.",
        )


def _sqlite(database: Database) -> Iterator[Finding]:
    if sqlite3.sqlite_version_info < SQLITE_WITHOUT_RESET_BUG:
        yield Finding(
            State.NOTE,
            "database",
            f"SQLite {sqlite3.sqlite_version} can damage a file that two processes write to at once; log-sentinel "
            "lets one process write",
            "Let no other program write to the file; for several, use Postgres.",
        )
    if database.path is not None:
        free = shutil.disk_usage(database.path.parent).free
        if free < LITTLE_SPACE_BYTES:
            yield Finding(
                State.WRONG,
                "database",
                f"{free / 1e6:.0f} MB are left on its disk, and a full disk cannot even be tidied",
                "Free some space, or shorten [retention] while there is some.",
            )


def _files(database: Database, loaded: Loaded[Settings]) -> Iterator[Finding]:
    """How far each file that is still written has been read, and what of others is lost."""
    from log_sentinel.model.lines import GenerationState
    from log_sentinel.store.generations import StoredCheckpoints

    checkpoints = StoredCheckpoints(database, loaded.settings.instance)
    for name in loaded.settings.sources:
        for at in checkpoints.known(name):
            if at.state is GenerationState.ACTIVE:
                yield Finding(
                    State.FINE, f"source {name}", f"{at.path}: {at.offset} of {at.size_seen} bytes are stored"
                )
            elif at.state is GenerationState.GAP:
                yield Finding(
                    State.WRONG,
                    f"source {name}",
                    f"{at.path}: {at.size_seen - at.offset} bytes were gone before they could be read",
                    "Keep rotated files for longer (logrotate's `rotate`); rotate by renaming, not by copytruncate.",
                )


def _channels(database: Database, loaded: Loaded[Settings]) -> Iterator[Finding]:
    from log_sentinel.store.outbox import standings

    for name, standing in standings(database).items():
        last = (
            f"last delivery {standing.last_sent_at:%Y-%m-%d %H:%M} UTC" if standing.last_sent_at else "none delivered"
        )
        said = f"{standing.sent} delivered, {last}, {standing.waiting} waiting, {standing.undelivered} given up"
        stuck = standing.reason is not None and standing.waiting + standing.blocked > 0
        yield Finding(
            State.WRONG if stuck else State.FINE,
            f"channel {name}",
            f"{said}: {standing.reason}" if stuck else said,
            f"`log-sentinel channels test {name}` says what is wrong." if stuck else "",
        )
        if name not in loaded.settings.channels:
            yield Finding(State.NOTE, f"channel {name}", "the settings have it no more; what waits for it is given up")


def _blindness(database: Database, loaded: Loaded[Settings], now: datetime) -> Iterator[Finding]:
    """Where the page would look well because something is not seen."""
    from log_sentinel.store.readers import denied_minutes, traffic_minutes

    yield from _proxies(denied_minutes(database, now - LOOKED_BACK, now + LOOKED_BACK))
    last = _last_minutes(traffic_minutes(database, now - LOOKED_BACK, now + LOOKED_BACK))
    for name in loaded.settings.sources:
        if name not in last:
            yield Finding(
                State.NOTE, f"source {name}", "no request in the last day", "Is it the log the gateway writes?"
            )
        elif last[name] < max(last.values()) - SILENT_FOR:
            yield Finding(
                State.WRONG,
                f"source {name}",
                f"silent since {last[name]:%Y-%m-%d %H:%M} UTC, while other sources went on",
                "Does its gateway run, and write to this file?",
            )
        else:
            yield Finding(State.FINE, f"source {name}", f"its newest request is of {last[name]:%Y-%m-%d %H:%M} UTC")


def _proxies(denied: pl.DataFrame) -> Iterator[Finding]:
    import polars as pl

    by_address = denied.drop_nulls("ip").group_by("ip").agg(pl.col("n").sum()).sort("n", "ip", descending=[True, False])
    total = int(denied["n"].sum())
    if by_address.is_empty() or total < ENOUGH_DENIALS:
        return
    address, n = by_address.row(0)
    if n * 2 > total and not ipaddress.ip_address(address).is_global:
        yield Finding(
            State.WRONG,
            "addresses",
            f"{address}, which is no address of the Internet, has {n} of {total} denials: you are seeing your proxy",
            "Name it in trusted_proxies of the source, and let it send X-Forwarded-For.",
        )


def _last_minutes(traffic: pl.DataFrame) -> dict[str, datetime]:
    import polars as pl

    return dict(traffic.group_by("source").agg(pl.col("minute").max()).rows())
