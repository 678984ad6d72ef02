"""Forgets what is old, the oldest first, in small deletes: each is a transaction of its own.

The only module besides the owners that deletes from their tables. Incidents take their events and notifications with
them. Counts of denials per minute are first folded to hours. SQLite reuses the space; the file does not shrink. A WAL
that grew while somebody read for long is emptied here.

A delete makes the ingest wait, for its turn and for the disk that deletes keep busy. So most of the time is left to it
(`Pace`): a large table is worked off in an hour or a day, and nobody waits for that.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, delete, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from log_sentinel.model.lines import GenerationState
from log_sentinel.store import tables
from log_sentinel.store.sqlite_engine import WAL_KEPT_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from sqlalchemy import Column, ColumnElement, Connection, Table

    from log_sentinel.store.engine import Database
    from log_sentinel.store.settings import RetentionSettings

# Hours with nothing left to fold, going back in time, after which the rest is taken to be folded
FOLDED_HOURS = 7 * 24
# A delete takes as many rows as go in this time, but some
DELETE_SECONDS, FEWEST_ROWS = 0.02, 100
# So many times as long as a delete took the database is left to others, and no longer than this
REST, LONGEST_REST_SECONDS = 4, 1.0


class Pace:
    """How much is deleted at a time, and how long others have the database then.

    `most`: rows of a delete at most. `stopping` is asked before each. `rest` waits so many seconds, or less when it is
    time to stop.
    """

    def __init__(self, most: int, stopping: Callable[[], bool], rest: Callable[[float], object]) -> None:
        self.stopping = stopping
        self.rows = self._most = most
        self._rest = rest

    @contextmanager
    def turn(self, db: Database) -> Iterator[Connection]:
        """A connection in a transaction that deletes `rows` rows. Rests after it."""
        with db.write() as connection:
            began = time.monotonic()
            yield connection
            worked = time.monotonic() - began
        self._rest(min(REST * (time.monotonic() - began), LONGEST_REST_SECONDS))
        # the commit may wait for the disk, however few the rows are
        fitting = round(self.rows * DELETE_SECONDS / max(worked, 1e-6))
        self.rows = min(self._most, max(FEWEST_ROWS, min(fitting, 2 * self.rows)))


def sweep(
    db: Database,
    settings: RetentionSettings,
    now: datetime,
    *,
    instance: str | None = None,
    stopping: Callable[[], bool] = lambda: False,
    rest: Callable[[float], object] = time.sleep,
) -> dict[str, int]:
    """Deletes what is older than `settings` allow at `now` (UTC); the rows that went by table, without tables of none.

    `instance` is whose forgotten files may be looked for on this host; without it `generations` is left alone.
    `stopping` is asked before each delete; when it says so, the rest is left to the next sweep. `rest` passes the time
    between two, in seconds. Raises StoreError; what was deleted until then stays deleted.
    """
    done: dict[str, int] = {}
    pace = Pace(settings.batch, stopping, rest)
    folded = _fold(db, now - settings.denied_minutes, pace)
    for table, age, before, more in _old(settings, now):
        done[table.name] = _delete(db, age, before, more, pace)
    if db.wal_bytes() > WAL_KEPT_BYTES:
        db.shrink_wal()
    db.room.keep_ballast()
    if instance is not None:
        done["generations"] = _forget_files(db, now - settings.generations, instance)
    done["denied_minutes"] += folded
    return {name: count for name, count in done.items() if count}


Old = tuple["Table", "Column[datetime]", "datetime", "tuple[ColumnElement[bool], ...]"]


def _old(settings: RetentionSettings, now: datetime) -> list[Old]:
    """Of which table the rows go whose column is before when, as far as they are that, too."""
    t = tables
    return [
        (t.denials, t.denials.c.time, now - settings.denials, ()),
        (t.candidates, t.candidates.c.stored_at, now - settings.candidates, ()),
        (t.companion_evidence, t.companion_evidence.c.stored_at, now - settings.companion_evidence, ()),
        (t.traffic, t.traffic.c.minute, now - settings.traffic, ()),
        (t.denied_minutes, t.denied_minutes.c.minute, now - settings.denied_hours, ()),
        (t.activity, t.activity.c.hour, now - settings.activity, ()),
        (t.push_seen, t.push_seen.c.seen_at, now - settings.push_seen, ()),
        (t.rejects, t.rejects.c.seen_at, now - settings.rejects, ()),
        (t.reject_counts, t.reject_counts.c.hour, now - settings.reject_counts, ()),
        (t.notifications, t.notifications.c.finished_at, now - settings.notifications, ()),
        (t.incidents, t.incidents.c.resolved_at, now - settings.incidents, (t.incidents.c.state == "resolved",)),
        (t.config_loads, t.config_loads.c.at, now - settings.config_loads, ()),
    ]


def _delete(
    db: Database, age: Column[datetime], before: datetime, more: tuple[ColumnElement[bool], ...], pace: Pace
) -> int:
    """Deletes from the oldest on. Each delete begins where the last one ended: what Postgres has deleted is still in
    the table and its indexes until it is vacuumed, and would be passed over again and again.
    """
    table = age.table
    keys = list(table.primary_key)
    key = tuple_(*keys) if len(keys) > 1 else keys[0]
    deleted, old = 0, and_(age < before, *more)
    while not pace.stopping():
        rows = pace.rows
        oldest = select(*keys).where(old).order_by(age).limit(rows)
        with pace.turn(db) as connection:
            last = connection.scalar(select(age).where(old).order_by(age).offset(rows - 1).limit(1))
            deleted += connection.execute(delete(table).where(key.in_(oldest))).rowcount
        if last is None:
            break
        old = and_(age >= last, age < before, *more)
    return deleted


def _forget_files(db: Database, before: datetime, instance: str) -> int:
    """Generations that are over and whose file is gone: to forget one that is there would mean to read it again."""
    g = tables.generations
    over = select(g.c.id, g.c.path, g.c.device, g.c.inode).where(
        g.c.instance == instance,
        g.c.state.in_((GenerationState.FINISHED, GenerationState.GAP)),
        g.c.changed_at < before,
        # no file but the note that a source was looked at before: without it a restart would begin at the end again
        g.c.inode != 0,
    )
    with db.read() as connection:
        gone = [row.id for row in connection.execute(over) if not _is_there(row.path, row.device, row.inode)]
    if gone:
        with db.write() as connection:
            connection.execute(delete(g).where(g.c.id == bindparam("gone")), [{"gone": number} for number in gone])
    return len(gone)


def _is_there(path: str, device: int, inode: int) -> bool:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return (found.st_dev - device) % (1 << 64) == 0 and (found.st_ino - inode) % (1 << 64) == 0


def _fold(db: Database, before: datetime, pace: Pace) -> int:
    """Adds minutes to their hour's first, for whole hours before `before`; how many rows were folded.

    Goes back in time from `before` and stops where a week of hours had nothing left to fold.
    """
    m = tables.denied_minutes
    until = before.replace(minute=0, second=0, microsecond=0)
    removed = clean = 0
    while clean < FOLDED_HOURS and not pace.stopping():
        with db.read() as connection:
            newest = connection.scalar(select(func.max(m.c.minute)).where(m.c.minute < until))
        if newest is None:
            break
        hour = newest.replace(minute=0)
        folded = _fold_hour(db, hour, pace)
        clean = 0 if folded else clean + 1
        removed += folded
        until = hour
    return removed


def _fold_hour(db: Database, hour: datetime, pace: Pace) -> int:
    m = tables.denied_minutes
    keys = [column.name for column in m.primary_key]
    inside = and_(m.c.minute > hour, m.c.minute < hour + timedelta(hours=1))
    upsert = (sqlite_insert if db.is_sqlite else postgres_insert)(m)
    add = upsert.on_conflict_do_update(index_elements=keys, set_={"n": m.c.n + upsert.excluded.n})
    gone = delete(m).where(*(m.c[name] == bindparam(f"old_{name}") for name in keys))
    removed = 0
    while True:
        with pace.turn(db) as connection:
            rows = [dict(row) for row in connection.execute(select(m).where(inside).limit(pace.rows)).mappings()]
            if not rows:
                return removed
            connection.execute(add, [row | {"minute": hour} for row in rows])
            connection.execute(gone, [{f"old_{name}": row[name] for name in keys} for row in rows])
        removed += len(rows)
