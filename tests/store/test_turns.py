"""Turns are taken in the order of arrival, so that nobody who deletes all day keeps the ingest out."""

from __future__ import annotations

import sys
import threading
import time
from statistics import quantiles
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, insert, select

from log_sentinel.store.appending import append
from log_sentinel.store.retention import sweep
from log_sentinel.store.settings import RetentionSettings
from log_sentinel.store.tables import denials
from log_sentinel.store.turns import Turns
from tests.lengths import RELEASE_SHARE, times
from tests.store.commits import LINE_BYTES, TEN, Log, denial, parsed

if TYPE_CHECKING:
    from log_sentinel.store.engine import Database

COMMIT_EVERY_SECONDS = 0.05 if RELEASE_SHARE else 0.0


def test_turns_come_in_the_order_of_asking_and_whoever_asks_again_waits_for_all_before() -> None:
    turns, order = Turns(), []

    def wait_for_a_turn(name: str) -> None:
        with turns:
            order.append(name)

    waiters = [threading.Thread(target=wait_for_a_turn, args=(name,)) for name in ("first", "second", "third")]
    with turns:
        for place, waiter in enumerate(waiters, start=1):
            waiter.start()
            while len(turns._waiting) < place:
                pass
    for _ in range(2):
        with turns:
            order.append("holder")
    for waiter in waiters:
        waiter.join()
    assert order == ["first", "second", "third", "holder", "holder"]


def test_an_error_in_a_turn_lets_the_next_one_in() -> None:
    turns = Turns()

    def fail_in_a_turn() -> None:
        with turns:
            raise KeyError

    for _ in range(2):
        with pytest.raises(KeyError):
            fail_in_a_turn()


def test_the_ingest_goes_on_between_the_deletes_of_a_large_retention(database: Database) -> None:
    """In a release run millions of rows, in batches as they are set; how long commits took is in the output."""
    settings = RetentionSettings() if RELEASE_SHARE else RetentionSettings(batch=10)
    how: dict[str, Any] = {} if RELEASE_SHARE else {"rest": lambda _: None}
    log = Log(database)
    old = fill(database, log, times(6000, 5_000_000))
    alone = [seconds_of_a_commit(database, log) for _ in range(times(1, 200))]
    deletes: list[int] = []
    event.listen(database._writer, "after_cursor_execute", lambda *said: note(deletes, *said))
    deleted: list[int] = []
    sweeping = threading.Thread(target=lambda: deleted.append(sweep(database, settings, TEN, **how)["denials"]))
    sweeping.start()
    meanwhile = []
    while sweeping.is_alive():
        meanwhile.append(seconds_of_a_commit(database, log))
    sweeping.join()
    assert deleted == [old] == [sum(deletes)]
    assert max(deletes) <= settings.batch
    # the last one may have come after the end
    assert len(meanwhile) > 1
    if RELEASE_SHARE:
        slowest = [f"{quantiles(took, n=100)[98]:.3f} s" for took in (alone, meanwhile)]
        sys.stdout.write(
            f"{old} rows in {len(deletes)} deletes, {len(meanwhile)} commits; p99 alone, beside: {slowest}\n"
        )


def fill(database: Database, log: Log, rows: int) -> int:
    """At least so many denials that are too old, by doubling them; gives how many there are."""
    some = 6000
    first = [denial(number, time=TEN.replace(year=2025)) for number in range(some)]
    append(database, log.commit(parsed(first), to=some * LINE_BYTES), now=TEN)
    columns = [column for column in denials.c if column.name not in ("id", "origin_offset")]
    while some < rows:
        again = select((denials.c.origin_offset + some * LINE_BYTES).label("origin_offset"), *columns)
        with database.write(seconds=3600) as connection:
            names = ["origin_offset", *(column.name for column in columns)]
            connection.execute(insert(denials).from_select(names, again))
        some *= 2
        append(database, log.commit(parsed([]), to=some * LINE_BYTES), now=TEN)
    return some


def seconds_of_a_commit(database: Database, log: Log) -> float:
    at = log.at.offset
    # without a pause there would be no moment without a commit, in which others could wait for the disk
    threading.Event().wait(COMMIT_EVERY_SECONDS)
    began = time.monotonic()
    append(database, log.commit(parsed([denial(at // LINE_BYTES, time=TEN)]), to=at + LINE_BYTES), now=TEN)
    return time.monotonic() - began


def note(deletes: list[int], *said: Any) -> None:
    _, cursor, statement, *_ = said
    if statement.startswith("DELETE FROM denials"):
        deletes.append(cursor.rowcount)
