"""Retention: what is old goes, in small deletes; what is young, unresolved or still on disk stays."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
from sqlalchemy import event, func, insert, select

from log_sentinel.model.lines import Checkpoint, GenerationState
from log_sentinel.store import tables
from log_sentinel.store.appending import append
from log_sentinel.store.generations import StoredCheckpoints
from log_sentinel.store.readers import denied_minutes
from log_sentinel.store.retention import DELETE_SECONDS, FEWEST_ROWS, LONGEST_REST_SECONDS, REST, Pace, sweep
from log_sentinel.store.settings import RetentionSettings
from tests.store.commits import TEN, Log, denial, parsed

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Table
    from sqlalchemy.engine import Connection

    from log_sentinel.store.engine import Database

KEPT = RetentionSettings(batch=7)
DAY = timedelta(days=1)


def counted(db: Database, table: Table) -> int:
    with db.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_denials_go_when_they_are_older_than_the_settings_say(database: Database) -> None:
    old, young = denial(0, time=TEN - 91 * DAY), denial(1, time=TEN - 89 * DAY)
    many = [denial(number, time=TEN - 100 * DAY) for number in range(2, 40)]
    append(database, Log(database).commit(parsed([old, young, *many]), to=4000), now=TEN)
    done = sweep(database, KEPT, TEN)
    assert done["denials"] == 39
    assert counted(database, tables.denials) == 1
    assert sweep(database, KEPT, TEN) == {}


def test_each_delete_takes_a_few_rows_only(database: Database) -> None:
    append(
        database, Log(database).commit(parsed([denial(n, time=TEN - 100 * DAY) for n in range(30)]), to=3000), now=TEN
    )
    sizes: list[int] = []

    def note(*arguments: object) -> None:
        statement, cursor = str(arguments[2]), arguments[1]
        if statement.startswith("DELETE FROM denials"):
            sizes.append(cursor.rowcount)  # type: ignore[attr-defined]

    event.listen(database._writer, "after_cursor_execute", note)
    sweep(database, KEPT, TEN)
    assert sizes == [7, 7, 7, 7, 2]


def test_after_each_delete_the_database_is_left_to_others_for_longer_than_it_took(database: Database) -> None:
    rows = [denial(n, time=TEN - 100 * DAY) for n in range(30)]
    append(database, Log(database).commit(parsed(rows), to=3000), now=TEN)
    rests: list[float] = []
    began = time.monotonic()
    sweep(database, KEPT, TEN, rest=rests.append)
    took = time.monotonic() - began
    assert len(rests) > 5
    assert all(0 < rest <= LONGEST_REST_SECONDS for rest in rests)
    assert sum(rests) <= REST * took


def test_a_delete_that_took_long_is_followed_by_a_smaller_one(database: Database) -> None:
    pace = Pace(2000, lambda: False, lambda _: None)
    sizes = [pace.rows]
    for _ in range(2):
        with pace.turn(database):
            threading.Event().wait(5 * DELETE_SECONDS)
        sizes.append(pace.rows)
    assert 2000 / 5 >= sizes[1] >= sizes[2] == FEWEST_ROWS


def test_the_oldest_go_first(database: Database) -> None:
    rows = [denial(n, time=TEN - 100 * DAY + timedelta(minutes=n // 4)) for n in reversed(range(30))]
    append(database, Log(database).commit(parsed(rows), to=3000), now=TEN)
    left: list[list[datetime]] = []

    def rest(_: float) -> None:
        with database.read() as connection:
            left.append(list(connection.scalars(select(tables.denials.c.time).order_by(tables.denials.c.time))))

    sweep(database, KEPT, TEN, rest=rest)
    times = sorted(row["time"] for row in rows)
    for one in left:
        assert one == times[len(times) - len(one) :]


def test_a_sweep_that_is_to_end_leaves_the_rest_to_the_next(database: Database) -> None:
    rows = [denial(n, time=TEN - 100 * DAY) for n in range(30)]
    append(database, Log(database).commit(parsed(rows), to=3000), now=TEN)

    done = sweep(database, KEPT, TEN, stopping=lambda: counted(database, tables.denials) <= 16)

    assert done["denials"] == 14
    assert sweep(database, KEPT, TEN)["denials"] == 16
    assert counted(database, tables.denials) == 0


def test_old_minutes_become_hours_and_no_denial_is_lost_from_the_counts(database: Database) -> None:
    rows = [
        denial(number, time=TEN - 31 * DAY + timedelta(minutes=7 * number), client="acme" if number % 3 else "globex")
        for number in range(30)
    ]
    append(database, Log(database).commit(parsed([*rows, denial(99)]), to=9999), now=TEN)
    before = denied_minutes(database, TEN - 40 * DAY, TEN + DAY)
    sweep(database, KEPT, TEN)
    after = denied_minutes(database, TEN - 40 * DAY, TEN + DAY)
    hours = after.filter(pl.col("minute") < TEN)
    assert set(hours["minute"].dt.minute()) == {0}
    assert hours.height == 8
    assert before["n"].sum() == after["n"].sum()
    by_client = [frame.group_by("client").agg(pl.col("n").sum()).sort("client").rows() for frame in (before, after)]
    assert by_client[0] == by_client[1]
    assert sweep(database, KEPT, TEN) == {}


def test_folded_hours_go_after_their_own_time(database: Database) -> None:
    append(database, Log(database).commit(parsed([denial(0, time=TEN - 401 * DAY)]), to=100), now=TEN)
    sweep(database, KEPT, TEN)
    assert counted(database, tables.denied_minutes) == 0
    assert counted(database, tables.traffic) == 0


def test_what_waits_for_its_other_half_is_kept_by_the_time_it_came(database: Database) -> None:
    said = {"time": TEN - 9 * DAY, "origin_offset": 0, "kind": "limit_req", "says": "limiting requests"}
    backfilled = parsed([], candidates=[denial(0, time=TEN - 9 * DAY)], companions=[said])
    append(database, Log(database).commit(backfilled, to=100), now=TEN)
    sweep(database, KEPT, TEN + timedelta(minutes=9))
    assert (counted(database, tables.candidates), counted(database, tables.companion_evidence)) == (1, 1)
    sweep(database, KEPT, TEN + timedelta(minutes=11))
    assert (counted(database, tables.candidates), counted(database, tables.companion_evidence)) == (0, 0)


def incident(state: str, resolved_at: datetime | None, key: str) -> dict[str, object]:
    times = dict.fromkeys(("since", "opened_at", "last_seen_at"), TEN)
    figures = {"observed": 1, "window_minutes": 5, "peak": 1, "total": 1}
    said: dict[str, object] = {"labels": {}, "evidence": {}, "finding": {}}
    what = {"rule": "r", "dimension": "client", "key": key, "severity": "warning", "state": state}
    return {**what, **times, **figures, **said, "resolved_at": resolved_at}


def test_resolved_incidents_go_with_their_events_and_notifications_and_open_ones_stay(database: Database) -> None:
    with database.write() as connection:
        for number, (state, resolved_at) in enumerate((("resolved", TEN - 401 * DAY), ("open", None))):
            add_incident(connection, incident(state, resolved_at, f"key {number}"))
    sweep(database, KEPT, TEN)
    with database.read() as connection:
        assert connection.scalars(select(tables.incidents.c.state)).all() == ["open"]
    assert (counted(database, tables.incident_events), counted(database, tables.notifications)) == (1, 1)


def add_incident(connection: Connection, values: dict[str, object]) -> None:
    incident_id = connection.scalar(insert(tables.incidents).values(**values).returning(tables.incidents.c.id))
    event_id = connection.scalar(
        insert(tables.incident_events)
        .values(incident_id=incident_id, kind="opened", at=TEN, who="detection", incident={}, recorded_at=TEN)
        .returning(tables.incident_events.c.id)
    )
    connection.execute(
        insert(tables.notifications).values(
            event_id=event_id,
            incident_id=incident_id,
            channel="ops",
            recipient="#ops",
            state="pending",
            created_at=TEN,
            next_attempt_at=TEN,
        )
    )


def test_a_finished_file_is_forgotten_only_when_it_is_gone(database: Database, tmp_path: Path) -> None:
    long_ago = StoredCheckpoints(database, "edge-1", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    there = tmp_path / "access.log.7"
    there.write_text("read to its end\n")
    found = there.stat()
    checkpoint = Checkpoint(
        0, "edge", str(there), found.st_dev, found.st_ino, 16, "aa", 16, 0, "", 16, GenerationState.FINISHED
    )
    kept = long_ago.begin(checkpoint)
    active = long_ago.begin(replace(checkpoint, inode=1, state=GenerationState.ACTIVE))
    long_ago.begin(replace(checkpoint, path=str(tmp_path / "access.log.8")))
    long_ago.begin(replace(checkpoint, inode=found.st_ino + 1))
    assert sweep(database, KEPT, TEN) == {}
    assert sweep(database, KEPT, TEN, instance="edge-2") == {}
    assert sweep(database, KEPT, TEN, instance="edge-1") == {"generations": 2}
    assert [kept, active] == long_ago.known("edge")


def test_the_note_that_a_source_was_looked_at_before_is_never_forgotten(database: Database, tmp_path: Path) -> None:
    long_ago = StoredCheckpoints(database, "edge-1", clock=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    note = long_ago.begin(
        Checkpoint(0, "edge", str(tmp_path / "*.log"), 0, 0, 0, "", 0, 0, "", 0, GenerationState.FINISHED)
    )

    assert sweep(database, KEPT, TEN, instance="edge-1") == {}
    assert [note] == long_ago.known("edge")
